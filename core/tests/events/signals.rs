//! Signals: each raise causes a call.

use picoevent::{EventFlags, Signal};

use crate::{Trace, base, run_to};

#[test]
fn a_signal_calls_once_for_each_raise() {
    let (mut base, mut app) = (base(), Trace::default());
    base.on_signal(Signal::USR1, Trace::record).unwrap();
    base.on_signal(Signal::USR2, Trace::record).unwrap();
    base.raised(Signal::USR1, 2);
    base.raised(Signal::USR1, 1);
    assert_eq!(run_to(&mut base, &mut app, 0), [(0, EventFlags::SIGNAL); 3]);
    base.raised(Signal::TERM, 3);
    base.raised(Signal::USR1, 0);
    assert_eq!(run_to(&mut base, &mut app, 0), []);
}

#[test]
fn deleting_a_signal_event_in_its_callback_stops_the_repeats() {
    for free in [false, true] {
        let (mut base, mut app) = (base(), Trace::default());
        base.on_signal(Signal::USR1, Trace::record).unwrap();
        base.raised(Signal::USR1, 5);
        app.react = Some(if free {
            |cx, event| cx.event(event).unwrap().free()
        } else {
            |cx, event| cx.event(event).unwrap().del()
        });
        assert_eq!(run_to(&mut base, &mut app, 0).len(), 1);
    }
}

#[test]
fn raises_saturate() {
    let (mut base, mut app) = (base(), Trace::default());
    base.on_signal(Signal::USR1, Trace::record).unwrap();
    base.raised(Signal::USR1, u16::MAX);
    base.raised(Signal::USR1, u16::MAX);
    assert_eq!(run_to(&mut base, &mut app, 0).len(), usize::from(u16::MAX));
}
