//! What the scenarios of evbuffers share. The groups are in files of their own.

use picoevent::RingBuffer;

/// Returns all bytes of a ring.
pub fn all(ring: &RingBuffer<'_>) -> Vec<u8> {
    let (first, second) = ring.peek();
    [first, second].concat()
}

/// A ring whose bytes begin at an offset of its memory, as those of one do that was used. An empty one
/// always begins at the beginning.
pub fn ring_at<'b>(memory: &'b mut [u8], start: usize, data: &[u8]) -> RingBuffer<'b> {
    let mut ring = RingBuffer::new(memory);
    if start > 0 {
        ring.write(&vec![b'.'; start]).unwrap();
        ring.consume(start - 1);
    }
    // The last byte before them stays until the first of them is there.
    let written = ring.write_some(data);
    ring.consume(start.min(1));
    ring.write(&data[written..]).unwrap();
    ring
}
