//! The functions of UDP sockets.

use picoevent::{Fired, UdpError, UdpEvent, UdpMut, UdpRings};

use crate::unknown::{address, any, bytes, priority};
use crate::{App, Base};

fn call(app: &mut App, udp: &mut UdpMut<'_, '_, App>, event: UdpEvent) {
    any((app, udp, event));
}

fn rings() -> UdpRings {
    any(UdpRings::new(any(UdpRings::holding(any(1), any(1))), any(30)))
}

pub fn every_function(base: &mut Base<'_>) {
    any(rings().bytes());
    let Ok(socket) = any(&mut *base).bind(address(), rings(), call) else { return };
    any(base.udp_address_of(any(socket)));
    any(&mut *base).bound(any(socket), address());
    any(base.is_udp_closed(any(socket)));
    any(any(&mut *base).received_from(any(socket), address(), bytes()));
    any(any(&mut *base).has_udp_room(any(socket), any(1)));
    any(&mut *base).input_dropped(any(socket));
    any(base.udp_request(any(socket)));
    any(&mut *base).udp_done(any(socket), any(Err(UdpError::TooLong)));
    any(&mut *base).udp_failed(any(socket), any(UdpError::System(any(1))));
    any(&mut *base).bind_failed(any(socket), any(UdpError::InUse));
    if let Some(Fired::Udp(fired)) = any(&mut *base).next() {
        any((fired.socket(), fired.event(), fired.function()));
        fired.call(&mut App, any(&mut *base));
    }
    any(base.udp_sockets().last());
    let Ok(mut udp) = any(&mut *base).udp(any(socket)) else { return };
    output(any(&mut udp));
    input(any(&mut udp));
    any((udp.id(), udp.local_addr(), udp.peer_addr(), udp.dropped(), udp.user()));
    any(any(&mut udp).on_event(call).set_user(any(1)).set_priority(priority())).ok();
    any(any(&mut udp).cx());
    any(&mut udp).close();
    any(any(udp).consume());
}

fn output(udp: &mut UdpMut<'_, '_, App>) {
    any(any(&mut *udp).send_to(bytes(), address())).ok();
    any(any(&mut *udp).send(bytes())).ok();
    any(any(&mut *udp).connect(address())).ok();
    any(any(&mut *udp).join_multicast(address().ip())).ok();
    any(any(&mut *udp).leave_multicast(address().ip())).ok();
    any(any(&mut *udp).set_broadcast(any(true))).ok();
    any(udp.has_room(any(1), address()));
}

fn input(udp: &mut UdpMut<'_, '_, App>) {
    any(udp.peek());
    any(any(&mut *udp).consume());
    any(any(udp).receive_from(any(&mut [0; 5])));
}
