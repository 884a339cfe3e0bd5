//! A seed for random bytes, on a board without a source of randomness.

/// Returns a **weak** seed, which contains only the time since boot: QEMU's boards have no random number generator.
/// Anyone who knows roughly when the board was started can find the seed. The seed is good enough for the delays before
/// a reconnect, but not for DNS queries, WebSocket masks or keys. A board with a random number generator takes 32 bytes
/// from this generator instead.
pub fn weak_seed() -> [u8; 32] {
    let mut seed = [0x5e; 32];
    let ticks = embassy_time::Instant::now().as_ticks().to_le_bytes();
    seed.iter_mut().zip(ticks).for_each(|(byte, tick)| *byte = tick);
    seed
}
