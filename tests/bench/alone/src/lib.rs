//! The core alone. Each image calls the functions of the core that an application calls, and contains nothing else.
//!
//! The linker keeps only reachable code, so an image contains the parts of the core that these functions need. The
//! images are built for microcontrollers and for hosts, but never run. The compiler does not know the values that the
//! back end reports, so it must keep the code for all values. Each callback does a little work that differs from the
//! work of all other callbacks, so that the compiler cannot merge the callbacks.
//!
//! | program | contains |
//! |---|---|
//! | `events` | events, timers, signals, and the loop |
//! | `server` | the contents of `events`, a listener, and connections that read, write, wait and close |
//! | `echo` | a listener with connections, and nothing else |
//! | `http` | an HTTP server with two routes |
//! | `http-all` | an HTTP server with every kind of route |
//! | `names` | a resolver, an SNTP client, and a connection by name |
//! | `mdns` | an mDNS responder |
//! | `mqtt` | an MQTT client with every feature, and its connection |
//! | `memory` | symbols with the sizes of the core's types |

#![no_std]

mod device;
mod stubs;
mod timers;

use core::convert::Infallible;
use core::hint::black_box;
use core::task::Poll;

use picoevent::{Action, Backend, EventBase, Instant, Run, Signal};

pub use device::{act, peer};
pub use timers::{App, period};

/// Runs the loop on a back end that is opaque to the compiler. `act` performs the actions.
#[inline(always)]
pub fn run<A>(
    base: &mut EventBase<'_, A>,
    app: &mut A,
    act: impl Fn(&mut EventBase<'_, A>, Action),
) {
    base.begin(Run::DEFAULT);
    let mut device = Device(act);
    while let Poll::Ready(Ok(None)) | Poll::Pending = base.iterate(app, &mut device) {}
}

/// The back end.
struct Device<F>(F);

impl<A, F: Fn(&mut EventBase<'_, A>, Action)> Backend<A> for Device<F> {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        Instant::from_micros(black_box(1))
    }

    fn act(&mut self, action: Action, base: &mut EventBase<'_, A>) -> Result<(), Infallible> {
        (self.0)(base, action);
        Ok(())
    }

    fn wait(&mut self, until: Instant, _: &mut EventBase<'_, A>) -> Poll<Result<(), Infallible>> {
        black_box(until);
        Poll::Ready(Ok(()))
    }

    fn report(&mut self, base: &mut EventBase<'_, A>) {
        base.raised(Signal::INT, black_box(1));
    }
}
