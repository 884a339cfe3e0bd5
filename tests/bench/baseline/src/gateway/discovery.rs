//! Discovery: answers the datagram `discover` with the gateway's name and its ports.

use core::fmt::Write;

use embassy_net::Stack;
use embassy_net::udp::{PacketMetadata, UdpSocket};
use heapless::String;

use super::{console, status};

/// The port of discovery.
pub const PORT: u16 = 2324;
const REQUEST: &[u8] = b"discover";
const NAME: &str = "gateway";

/// Answers requests forever.
#[embassy_executor::task]
pub async fn run(stack: Stack<'static>) -> ! {
    let (mut receive, mut receive_packets) = ([0; 64], [PacketMetadata::EMPTY; 4]);
    let (mut send, mut send_packets) = ([0; 64], [PacketMetadata::EMPTY; 4]);
    let mut socket =
        UdpSocket::new(stack, &mut receive_packets, &mut receive, &mut send_packets, &mut send);
    socket.bind(PORT).expect("it is not bound yet");
    let mut answer = String::<64>::new();
    write!(answer, "{NAME} console={} status={}", console::PORT, status::PORT).expect("it fits");
    loop {
        let client = socket.recv_from_with(|data, from| (data == REQUEST).then_some(from.endpoint));
        if let Some(client) = client.await {
            let _ = socket.send_to(answer.as_bytes(), client).await;
        }
    }
}
