//! A MAC address for a board that has none.

/// Bit 1 of the first byte is set in a locally administered address. Bit 0 is clear: the address is not a group address
/// (IEEE 802, section 8.2).
const LOCAL: u8 = 0x02;

/// Returns a MAC address made from the chip's unique number. The address is the same after each start, so a DHCP server
/// recognises the board.
///
/// The number is hashed with FNV-1a, because the numbers of one batch of chips differ in only a few
/// bits, at any position.
pub fn address(unique: &[u8]) -> [u8; 6] {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
    let hash = unique.iter().fold(0xCBF2_9CE4_8422_2325, fold);
    // The last bytes of the number do not affect all bits of the hash, so combine the two halves of the hash.
    let [.., a, b, c, d, e] = (hash ^ (hash >> 32)).to_be_bytes();
    [LOCAL, a, b, c, d, e]
}
