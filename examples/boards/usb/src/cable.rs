//! The USB device: a network card, and a serial port for the log.

use embassy_futures::join::join3;
use embassy_usb::class::cdc_ncm::embassy_net::{Device, Runner, State};
use embassy_usb::class::cdc_ncm::{self, CdcNcmClass};
use embassy_usb::driver;
use embassy_usb::{Builder, Config, UsbDevice};
use static_cell::{ConstStaticCell, StaticCell};

use crate::serial::Log;

/// The vendor ID of pid.codes, and its product ID for tests. A device that is sold needs its own IDs.
const VENDOR: u16 = 0x1209;
const PRODUCT: u16 = 0x0001;

/// The length of the longest frame, in bytes.
const FRAME: usize = 1514;

/// The length of a packet at full speed, in bytes.
const PACKET: u16 = 64;

/// The half of the network card's driver that embassy-net uses. The other half is in [`Cable`].
pub type Driver = Device<'static, FRAME>;

/// The USB device: moves frames between the cable and [`Driver`], and sends the log to the host. The function
/// [`run`](Self::run) must run in a separate task.
pub struct Cable<D: driver::Driver<'static>> {
    device: UsbDevice<'static, D>,
    frames: Runner<'static, D, FRAME>,
    log: Log<D>,
}

impl<D: driver::Driver<'static>> Cable<D> {
    /// Makes the device with the chip's USB controller. `number` is the chip's unique number. The MAC addresses of the
    /// board and of the host's network card are made from this number.
    ///
    /// # Panics
    /// If `new` is called twice.
    pub fn new(usb: D, number: &[u8]) -> (Self, Driver) {
        static CONFIG_DESCRIPTOR: ConstStaticCell<[u8; 256]> = ConstStaticCell::new([0; 256]);
        static BOS_DESCRIPTOR: ConstStaticCell<[u8; 32]> = ConstStaticCell::new([0; 32]);
        static CONTROL: ConstStaticCell<[u8; 64]> = ConstStaticCell::new([0; 64]);
        static NETWORK_CARD: StaticCell<cdc_ncm::State<'static>> = StaticCell::new();
        static FRAMES: ConstStaticCell<State<FRAME, 4, 4>> = ConstStaticCell::new(State::new());
        let board_address = board_hardware::address(number);
        let [first @ .., last] = board_address;
        // The host's network card needs a different MAC address.
        let [a, b, c, d, e] = first;
        let host_address = [a, b, c, d, e, last ^ 1];
        let mut config = Config::new(VENDOR, PRODUCT);
        config.manufacturer = Some("picoevent");
        config.product = Some("picoevent over USB");
        let mut builder = Builder::new(
            usb,
            config,
            CONFIG_DESCRIPTOR.take(),
            BOS_DESCRIPTOR.take(),
            &mut [],
            CONTROL.take(),
        );
        let state = NETWORK_CARD.init_with(cdc_ncm::State::new);
        let card = CdcNcmClass::new(&mut builder, state, host_address, PACKET);
        let (frames, driver) = card.into_embassy_net_device(FRAMES.take(), board_address);
        let log = Log::new(&mut builder, PACKET);
        (Self { device: builder.build(), frames, log }, driver)
    }

    /// Runs the device.
    pub async fn run(self) -> ! {
        let Self { mut device, frames, log } = self;
        join3(device.run(), frames.run(), log.run()).await.0
    }
}
