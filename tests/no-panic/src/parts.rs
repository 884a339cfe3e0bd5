//! A base over memory in parts, of any lengths, that need not fit each other.

use picoevent::EventBase;
use picoevent::memory::{ConnSlot, EventSlot, ListenerSlot, Memory, PoolSlot, SourceSlot, UdpSlot};

use crate::App;
use crate::unknown::any;

pub fn every_verb() {
    let (mut events, mut event_heap) = (any([const { EventSlot::<App>::new() }; 3]), any([0; 2]));
    let (mut conns, mut conn_heap) = (any([const { ConnSlot::new() }; 2]), any([0; 3]));
    let mut bytes = any([0; 30]);
    let mut pools = any([PoolSlot::new(), PoolSlot::default()]);
    let mut listeners = any([ListenerSlot::new(), ListenerSlot::default()]);
    let mut sources = any([SourceSlot::new(), SourceSlot::default()]);
    let mut udp = any([UdpSlot::new(), UdpSlot::default()]);
    let memory = Memory {
        events: any(&mut events),
        event_heap: any(&mut event_heap),
        conns: any(&mut conns),
        conn_heap: any(&mut conn_heap),
        bytes: any(&mut bytes),
        pools: any(&mut pools),
        listeners: any(&mut listeners),
        sources: any(&mut sources),
        udp: any(&mut udp),
    };
    crate::on(&mut EventBase::over(memory));
    crate::on(&mut EventBase::over(any(Memory { events: any(&mut []), ..Memory::default() })));
    any((EventSlot::<App>::default(), ConnSlot::<App>::default()));
}
