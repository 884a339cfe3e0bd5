//! Scenarios that every back end must pass. The callbacks, their order and the outcome for the peer must be the same.

/// Makes a test for each scenario on each harness. A harness is the application and its peers on one back end.
macro_rules! on_every_back_end {
    ($($scenario:ident,)*) => {
        on_every_back_end!(in live on LiveHarness: $($scenario,)*);
        on_every_back_end!(in live_v6 on LiveHarness<true>: $($scenario,)*);
        on_every_back_end!(in embassy on EmbassyHarness: $($scenario,)*);
        on_every_back_end!(in embassy_v6 on EmbassyHarness<true>: $($scenario,)*);
        on_every_back_end!(in scripted on ScriptedHarness: $($scenario,)*);
    };
    (in $back_end:ident on $harness:ty: $($scenario:ident,)*) => {
        mod $back_end {
            $(
                #[test]
                fn $scenario() {
                    use picoevent_conformance::*;
                    super::$scenario::<$harness>();
                }
            )*
        }
    };
}

mod accepting;
mod alarms;
mod callbacks;
mod closing;
mod connecting;
mod crowding;
mod datagrams;
mod ending;
mod halves;
mod lines;
mod lingering;
mod listening;
mod local;
mod marks;
mod network;
mod pausing;
mod pools;
mod random;
mod reconnecting;
mod resets;
mod room;
mod running;
mod statics;
mod timeouts;
