//! A hardware address for a board that was sold without one.

/// Bit 1 of the first byte says that the address is administered locally, bit 0 that it is no
/// group's (IEEE 802, section 8.2).
const LOCAL: u8 = 0x02;

/// Makes a hardware address out of a number that the chip has for itself, always the same one, so
/// that a DHCP server knows the board again.
///
/// The number is folded by FNV-1a: chips of one batch differ in a few bits only, which may be
/// anywhere in it.
pub fn address(unique: &[u8]) -> [u8; 6] {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
    let hash = unique.iter().fold(0xCBF2_9CE4_8422_2325, fold);
    // The two ends together, as the last bytes of the number have not reached all of the hash.
    let [.., a, b, c, d, e] = (hash ^ (hash >> 32)).to_be_bytes();
    [LOCAL, a, b, c, d, e]
}
