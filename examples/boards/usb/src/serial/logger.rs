//! defmt's logger: it puts log frames into the ring, and the task of the serial port takes their bytes out.

use core::cell::{RefCell, UnsafeCell};

use critical_section::{CriticalSection, Mutex, RestoreState};
use defmt::Encoder;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::signal::Signal;

use super::ring::Ring;

/// The bytes that the host has not read yet. A restart does not clear this section.
#[unsafe(link_section = ".uninit.picoevent_log")]
static LOG: Mutex<UnsafeCell<Ring>> = Mutex::new(UnsafeCell::new(Ring::unmade()));

/// Signalled after each frame.
static NEWS: Signal<CriticalSectionRawMutex, ()> = Signal::new();

static FRAME: Mutex<RefCell<Frame>> =
    Mutex::new(RefCell::new(Frame { encoder: Encoder::new(), held: None }));

/// A log frame that is being written, and whether interrupts were enabled before it.
struct Frame {
    encoder: Encoder,
    held: Option<RestoreState>,
}

/// Waits for bytes to send, and moves them into `target`. Returns the number moved, at least one.
pub(super) async fn read(target: &mut [u8]) -> usize {
    loop {
        let length = critical_section::with(|cs| with_log(cs, |log| log.pop(target)));
        if length > 0 {
            return length;
        }
        NEWS.wait().await;
    }
}

/// Returns whether all bytes were taken out of the ring.
pub(super) fn is_empty() -> bool {
    critical_section::with(|cs| with_log(cs, |log| log.is_empty()))
}

fn with_log<T>(cs: CriticalSection, call: impl FnOnce(&mut Ring) -> T) -> T {
    // SAFETY: no other reference exists: interrupts are off, one core runs, and `call` never calls this
    // function.
    let log = unsafe { &mut *LOG.borrow(cs).get() };
    call(log.make())
}

fn put(bytes: &[u8]) {
    critical_section::with(|cs| with_log(cs, |log| log.push(bytes)));
}

#[defmt::global_logger]
struct SerialLogger;

// SAFETY: between `acquire` and `release` interrupts are off and there is one core, so no other
// context logs, and `write` and `flush` come from the context that acquired.
unsafe impl defmt::Logger for SerialLogger {
    fn acquire() {
        // SAFETY: `release` gives the state back, in the opposite order.
        let before = unsafe { critical_section::acquire() };
        critical_section::with(|cs| {
            let mut frame = FRAME.borrow_ref_mut(cs);
            frame.held = Some(before);
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
            frame.held.take()
        });
        NEWS.signal(());
        if let Some(before) = before {
            // SAFETY: this is the state `acquire` took, given back once.
            unsafe { critical_section::release(before) };
        }
    }
}
