//! Implements [`Observer`] for a shared observer and for a list of observers.

use std::cell::RefCell;
use std::rc::Rc;

use crate::world::{
    About, Callback, ClientEvent, Fate, Fault, Frame, Object, Observer, ServerEvent, ServerFault,
    Treatment, UdpClientEvent,
};

/// Implements each method of an observer by forwarding it to other observers.
macro_rules! forward {
    ($(fn $name:ident($($argument:ident: $kind:ty),*);)*) => {
        $(fn $name(&mut self, at: u64 $(, $argument: $kind)*) {
            self.each(|other| other.$name(at $(, $argument)*));
        })*
    };
}

/// The observers that receive the forwarded calls.
trait Others {
    fn each(&mut self, call: impl FnMut(&mut dyn Observer));
}

impl<O: Observer> Others for Rc<RefCell<O>> {
    fn each(&mut self, mut call: impl FnMut(&mut dyn Observer)) {
        call(&mut *self.borrow_mut());
    }
}

impl Others for Vec<Box<dyn Observer>> {
    fn each(&mut self, mut call: impl FnMut(&mut dyn Observer)) {
        self.iter_mut().for_each(|observer| call(&mut **observer));
    }
}

macro_rules! observer {
    (impl $([$($generic:tt)*])? for $kind:ty) => {
        impl $(<$($generic)*>)? Observer for $kind {
            forward! {
                fn frame(frame: Frame<'_>, fate: Fate, how: Treatment);
                fn arrived(frame: Frame<'_>);
                fn lost_in_transit(frame: Frame<'_>);
                fn callback_begins(callback: Callback);
                fn callback_ends();
                fn objects(objects: &[(Object, About)]);
                fn fault(fault: &Fault, begins: bool);
                fn client(client: u32, event: ClientEvent);
                fn udp_client(client: u32, event: UdpClientEvent);
                fn server(port: u16, connection: u32, event: ServerEvent);
                fn server_fault(port: u16, server_fault: &ServerFault, begins: bool);
                fn mark(line: &str);
            }
        }
    };
}

observer!(impl [O: Observer] for Rc<RefCell<O>>);
observer!(impl for Vec<Box<dyn Observer>>);
