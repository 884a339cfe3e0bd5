//! Functions that the evbuffer scenarios share. The groups of scenarios are in separate files.

use picoevent::RingBuffer;

/// Returns all bytes of a ring.
pub fn all(ring: &RingBuffer<'_>) -> Vec<u8> {
    let (first, second) = ring.peek();
    [first, second].concat()
}

/// Returns a ring whose bytes begin at offset `start` of its memory, like a ring that was used. An empty ring always
/// begins at offset 0.
pub fn ring_at<'b>(memory: &'b mut [u8], start: usize, data: &[u8]) -> RingBuffer<'b> {
    let mut ring = RingBuffer::new(memory);
    if start > 0 {
        ring.write(&vec![b'.'; start]).unwrap();
        ring.consume(start - 1);
    }
    // An empty ring would restart at offset 0. So the last byte before `data` is consumed only after `data` was
    // written.
    let written = ring.write_some(data);
    ring.consume(start.min(1));
    ring.write(&data[written..]).unwrap();
    ring
}
