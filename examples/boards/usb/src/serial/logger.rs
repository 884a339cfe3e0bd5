//! defmt's logger. The logger puts log frames into the ring, and the task of the serial port takes the bytes of the
//! frames out of the ring.

use core::cell::{RefCell, UnsafeCell};

use critical_section::{CriticalSection, Mutex, RestoreState};
use defmt::Encoder;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::signal::Signal;

use super::ring::Ring;

/// The bytes that the host has not read yet. A restart does not clear this section.
#[unsafe(link_section = ".uninit.picoevent_log")]
static LOG: Mutex<UnsafeCell<Ring>> = Mutex::new(UnsafeCell::new(Ring::uninitialised()));

/// Signalled after each frame.
static QUEUED: Signal<CriticalSectionRawMutex, ()> = Signal::new();

static FRAME: Mutex<RefCell<Frame>> =
    Mutex::new(RefCell::new(Frame { encoder: Encoder::new(), interrupt_state: None }));

/// A log frame that is being written, and whether interrupts were enabled before the frame.
struct Frame {
    encoder: Encoder,
    interrupt_state: Option<RestoreState>,
}

/// Waits for bytes to send, and moves them into `target`. Returns the number moved, at least one.
pub(super) async fn read(target: &mut [u8]) -> usize {
    loop {
        let length = critical_section::with(|cs| with_log(cs, |log| log.pop(target)));
        if length > 0 {
            return length;
        }
        QUEUED.wait().await;
    }
}

/// Returns whether all bytes were taken out of the ring.
pub(super) fn is_empty() -> bool {
    critical_section::with(|cs| with_log(cs, |log| log.is_empty()))
}

fn with_log<T>(cs: CriticalSection, call: impl FnOnce(&mut Ring) -> T) -> T {
    // SAFETY: no other reference to the ring exists: interrupts are off, only one core runs, and the function `call`
    // never calls `with_log`.
    let log = unsafe { &mut *LOG.borrow(cs).get() };
    call(log.initialise())
}

fn put(bytes: &[u8]) {
    critical_section::with(|cs| with_log(cs, |log| log.push(bytes)));
}

#[defmt::global_logger]
struct SerialLogger;

// SAFETY: interrupts are off between `acquire` and `release`, and there is only one core. So no other context logs in
// this time, and only the context that has called `acquire` calls `write` and `flush`.
unsafe impl defmt::Logger for SerialLogger {
    fn acquire() {
        // SAFETY: `release` passes this state to `critical_section::release`. Every critical section that begins
        // between `acquire` and `release` also ends before `release`.
        let before = unsafe { critical_section::acquire() };
        critical_section::with(|cs| {
            let mut frame = FRAME.borrow_ref_mut(cs);
            frame.interrupt_state = Some(before);
            frame.encoder.start_frame(put);
        });
    }

    unsafe fn flush() {}

    unsafe fn write(bytes: &[u8]) {
        critical_section::with(|cs| FRAME.borrow_ref_mut(cs).encoder.write(bytes, put));
    }

    unsafe fn release() {
        let before = critical_section::with(|cs| {
            let mut frame = FRAME.borrow_ref_mut(cs);
            frame.encoder.end_frame(put);
            frame.interrupt_state.take()
        });
        QUEUED.signal(());
        if let Some(before) = before {
            // SAFETY: `before` is the state that `acquire` has stored. `take` returns the state only once.
            unsafe { critical_section::release(before) };
        }
    }
}
