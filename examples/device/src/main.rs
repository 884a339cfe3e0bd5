//! The device on a PC: `device [--listen ADDR:PORT]`, then <http://127.0.0.1:8080/> in a browser.

use std::process::ExitCode;

use device::{Device, Files, Memory, PORT, temperature};
use picoevent::EventBase;
use picoevent::memory::StaticSlot;
use static_cell::ConstStaticCell;

static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
static FILES: ConstStaticCell<Files> = ConstStaticCell::new([StaticSlot::new(); _]);
static DEVICE: ConstStaticCell<Device> = ConstStaticCell::new(Device::new(temperature));

fn main() -> ExitCode {
    let mut base = EventBase::new(MEMORY.take());
    // This cannot fail: a new base has no slots yet.
    let _ = base.set_static_slots(FILES.take());
    desk::serve(&mut base, DEVICE.take(), Device::start, PORT)
}
