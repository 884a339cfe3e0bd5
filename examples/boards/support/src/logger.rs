//! defmt over a UART. A function of the board sends the frames byte by byte.

use core::cell::{Cell, RefCell};

use critical_section::{Mutex, RestoreState};
use defmt::Encoder;

/// A function that waits until the UART accepts a byte, and sends it.
pub type Sink = fn(u8);

static SINK: Mutex<Cell<Option<Sink>>> = Mutex::new(Cell::new(None));
static FRAME: Mutex<RefCell<Frame>> =
    Mutex::new(RefCell::new(Frame { encoder: Encoder::new(), interrupt_state: None }));

/// A log frame that is being sent, and whether interrupts were enabled before the frame.
struct Frame {
    encoder: Encoder,
    interrupt_state: Option<RestoreState>,
}

/// Sends log frames to `sink` from now on.
pub fn start(sink: Sink) {
    critical_section::with(|cs| SINK.borrow(cs).set(Some(sink)));
}

#[defmt::global_logger]
struct UartLogger;

// SAFETY: interrupts are off between `acquire` and `release`, and there is only one core. So no other context logs in
// this time, and only the context that has called `acquire` calls `write` and `flush`.
unsafe impl defmt::Logger for UartLogger {
    fn acquire() {
        // SAFETY: `release` passes this state to `critical_section::release`. Every critical section that begins
        // between `acquire` and `release` also ends before `release`.
        let before = unsafe { critical_section::acquire() };
        critical_section::with(|cs| {
            let mut frame = FRAME.borrow_ref_mut(cs);
            frame.interrupt_state = Some(before);
            frame.encoder.start_frame(send);
        });
    }

    unsafe fn flush() {}

    unsafe fn write(bytes: &[u8]) {
        critical_section::with(|cs| FRAME.borrow_ref_mut(cs).encoder.write(bytes, send));
    }

    unsafe fn release() {
        let before = critical_section::with(|cs| {
            let mut frame = FRAME.borrow_ref_mut(cs);
            frame.encoder.end_frame(send);
            frame.interrupt_state.take()
        });
        if let Some(before) = before {
            // SAFETY: `before` is the state that `acquire` has stored. `take` returns the state only once.
            unsafe { critical_section::release(before) };
        }
    }
}

fn send(bytes: &[u8]) {
    let sink = critical_section::with(|cs| SINK.borrow(cs).get());
    if let Some(sink) = sink {
        bytes.iter().for_each(|byte| sink(*byte));
    }
}
