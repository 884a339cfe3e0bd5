//! The USB device: a network card, and a serial port for the log.

use embassy_futures::join::join3;
use embassy_usb::class::cdc_ncm::embassy_net::{Device, Runner, State};
use embassy_usb::class::cdc_ncm::{self, CdcNcmClass};
use embassy_usb::driver;
use embassy_usb::{Builder, Config, UsbDevice};
use static_cell::{ConstStaticCell, StaticCell};

use crate::serial::Log;

/// pid.codes' vendor, and a product that stands for any device of a test. A device that is sold needs its own.
const VENDOR: u16 = 0x1209;
const PRODUCT: u16 = 0x0001;

/// The bytes of the longest frame.
const FRAME: usize = 1514;

/// The bytes of a packet at full speed.
const PACKET: u16 = 64;

/// embassy-net's half of the network card.
pub type Driver = Device<'static, FRAME>;

/// The host's half of the network card and of the log: what must run, in a task of its own.
pub struct Cable<D: driver::Driver<'static>> {
    device: UsbDevice<'static, D>,
    frames: Runner<'static, D, FRAME>,
    log: Log<D>,
}

impl<D: driver::Driver<'static>> Cable<D> {
    /// Makes the device over the chip's USB controller. `number` is one that the chip has for itself: both ends'
    /// hardware addresses and the serial number of the device come from it.
    ///
    /// It panics when it is called twice.
    pub fn new(usb: D, number: &[u8]) -> (Self, Driver) {
        static CONFIG_DESCRIPTOR: ConstStaticCell<[u8; 256]> = ConstStaticCell::new([0; 256]);
        static BOS_DESCRIPTOR: ConstStaticCell<[u8; 32]> = ConstStaticCell::new([0; 32]);
        static CONTROL: ConstStaticCell<[u8; 64]> = ConstStaticCell::new([0; 64]);
        static NETWORK_CARD: StaticCell<cdc_ncm::State<'static>> = StaticCell::new();
        static FRAMES: ConstStaticCell<State<FRAME, 4, 4>> = ConstStaticCell::new(State::new());
        let ours = board_hardware::address(number);
        let [first @ .., last] = ours;
        // The host's end of the cable is another device.
        let [a, b, c, d, e] = first;
        let hosts = [a, b, c, d, e, last ^ 1];
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
        let card = CdcNcmClass::new(&mut builder, state, hosts, PACKET);
        let (frames, driver) = card.into_embassy_net_device(FRAMES.take(), ours);
        let log = Log::new(&mut builder, PACKET);
        (Self { device: builder.build(), frames, log }, driver)
    }

    /// Serves the host.
    pub async fn run(self) -> ! {
        let Self { mut device, frames, log } = self;
        join3(device.run(), frames.run(), log.run()).await.0
    }
}
