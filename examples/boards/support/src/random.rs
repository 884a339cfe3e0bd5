//! A seed for random bytes, on a board without a source of randomness.

/// Returns a seed that is **weak**: the time since boot, and nothing else. It is a stand-in, since QEMU's boards have
/// no random number generator: whoever knows about when the board was started can find it out. It is good enough for
/// delays before connecting again, and not for names in queries, masks or keys. A board with a random number generator
/// fills 32 bytes from it instead.
pub fn weak_seed() -> [u8; 32] {
    let mut seed = [0x5e; 32];
    let ticks = embassy_time::Instant::now().as_ticks().to_le_bytes();
    seed.iter_mut().zip(ticks).for_each(|(byte, tick)| *byte = tick);
    seed
}
