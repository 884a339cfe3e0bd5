//! Shared observers, and several observers at once.

use std::cell::RefCell;
use std::rc::Rc;

use crate::world::{
    About, Callback, Fate, Fault, Frame, News, Object, Observer, ServerNews, Treatment, Trouble,
    UdpNews,
};

/// Implements each method of an observer by forwarding it to other observers.
macro_rules! tells {
    ($(fn $name:ident($($argument:ident: $kind:ty),*);)*) => {
        $(fn $name(&mut self, at: u64 $(, $argument: $kind)*) {
            self.each(|other| other.$name(at $(, $argument)*));
        })*
    };
}

/// The observers that receive the forwarded calls.
trait Others {
    fn each(&mut self, tell: impl FnMut(&mut dyn Observer));
}

impl<O: Observer> Others for Rc<RefCell<O>> {
    fn each(&mut self, mut tell: impl FnMut(&mut dyn Observer)) {
        tell(&mut *self.borrow_mut());
    }
}

impl Others for Vec<Box<dyn Observer>> {
    fn each(&mut self, mut tell: impl FnMut(&mut dyn Observer)) {
        self.iter_mut().for_each(|observer| tell(&mut **observer));
    }
}

macro_rules! observer {
    (impl $([$($generic:tt)*])? for $kind:ty) => {
        impl $(<$($generic)*>)? Observer for $kind {
            tells! {
                fn frame(frame: Frame<'_>, fate: Fate, how: Treatment);
                fn arrived(frame: Frame<'_>);
                fn lost_in_transit(frame: Frame<'_>);
                fn callback_begins(callback: Callback);
                fn callback_ends();
                fn objects(objects: &[(Object, About)]);
                fn fault(fault: &Fault, begins: bool);
                fn client(client: u32, news: News);
                fn udp_client(client: u32, news: UdpNews);
                fn server(port: u16, connection: u32, news: ServerNews);
                fn trouble(port: u16, trouble: &Trouble, begins: bool);
                fn mark(line: &str);
            }
        }
    };
}

observer!(impl [O: Observer] for Rc<RefCell<O>>);
observer!(impl for Vec<Box<dyn Observer>>);
