//! Tests of the log ring of boards on a USB cable. A restart does not clear the ring.

#[path = "../../examples/boards/usb/src/serial/ring.rs"]
mod ring;

use std::collections::VecDeque;

use ring::Ring;

const SIZE: usize = 2048;

#[test]
fn an_uninitialised_ring_is_empty_after_it_is_initialised() {
    let mut ring = Ring::uninitialised();
    let ring = ring.initialise();
    assert!(ring.is_empty());
    assert_eq!(ring.pop(&mut [0; 8]), 0);
}

#[test]
fn bytes_pushed_before_a_restart_are_popped_after_it() {
    let mut ring = Ring::uninitialised();
    ring.initialise().push(b"panicked");
    let mut bytes = [0; 16];
    assert_eq!(ring.initialise().pop(&mut bytes), 8);
    assert_eq!(&bytes[..8], b"panicked");
}

/// Compares the ring with a queue that drops its oldest bytes when it is full.
#[test]
fn the_newest_bytes_are_popped_in_their_order() {
    let mut rng = fastrand::Rng::with_seed(7);
    let (mut ring, mut model) = (Ring::uninitialised(), VecDeque::new());
    let ring = ring.initialise();
    for _ in 0..2_000 {
        let mut bytes = vec![0; rng.usize(..300)];
        if rng.usize(..3) < 2 {
            rng.fill(&mut bytes);
            ring.push(&bytes);
            model.extend(&bytes);
            model.drain(..model.len().saturating_sub(SIZE));
        } else {
            let length = ring.pop(&mut bytes);
            assert_eq!(length, bytes.len().min(model.len()));
            assert!(bytes[..length].iter().copied().eq(model.drain(..length)));
        }
        assert_eq!(ring.is_empty(), model.is_empty());
    }
}
