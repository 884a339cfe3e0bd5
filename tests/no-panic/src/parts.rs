//! A base that uses separate parts of memory. The lengths of the parts need not match.

use picoevent::EventBase;
use picoevent::memory::{
    ConnSlot, EventSlot, ListenerSlot, Memory, PoolSlot, SourceSlot, StaticSlot, TimerSlot, UdpSlot,
};

use crate::App;
use crate::unknown::any;

pub fn every_function() {
    let mut events = any([const { EventSlot::<App>::new() }; 3]);
    let mut event_timers = any([TimerSlot::new(), TimerSlot::default()]);
    let (mut conns, mut conn_timers) =
        (any([const { ConnSlot::new() }; 2]), any([TimerSlot::new(); 3]));
    let mut bytes = any([0; 30]);
    let mut pools = any([PoolSlot::new(), PoolSlot::default()]);
    let mut listeners = any([ListenerSlot::new(), ListenerSlot::default()]);
    let mut sources = any([SourceSlot::new(), SourceSlot::default()]);
    let mut udp = any([UdpSlot::new(), UdpSlot::default()]);
    let memory = Memory {
        events: any(&mut events),
        event_timers: any(&mut event_timers),
        conns: any(&mut conns),
        conn_timers: any(&mut conn_timers),
        bytes: any(&mut bytes),
        pools: any(&mut pools),
        listeners: any(&mut listeners),
        sources: any(&mut sources),
        udp: any(&mut udp),
    };
    let mut statics = any([const { StaticSlot::new() }; 3]);
    let mut base = EventBase::over(memory);
    any(base.set_static_slots(any(&mut statics))).ok();
    crate::on_base(any(&mut base));
    crate::on_base(&mut EventBase::over(any(Memory { events: any(&mut []), ..Memory::default() })));
    any((EventSlot::<App>::default(), ConnSlot::<App>::default(), StaticSlot::default()));
}
