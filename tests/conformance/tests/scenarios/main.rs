//! Scenarios that every back end must pass with the same callbacks in the same order, and the same
//! outcome for the peer.

/// Makes a test of each scenario on each stage.
macro_rules! on_every_stage {
    ($($scenario:ident,)*) => {
        on_every_stage!(in live on LiveStage: $($scenario,)*);
        on_every_stage!(in live_v6 on LiveStage<true>: $($scenario,)*);
        on_every_stage!(in embassy on EmbassyStage: $($scenario,)*);
        on_every_stage!(in embassy_v6 on EmbassyStage<true>: $($scenario,)*);
        on_every_stage!(in scripted on ScriptedStage: $($scenario,)*);
    };
    (in $back_end:ident on $stage:ty: $($scenario:ident,)*) => {
        mod $back_end {
            $(
                #[test]
                fn $scenario() {
                    use picoevent_conformance::*;
                    super::$scenario::<$stage>();
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
