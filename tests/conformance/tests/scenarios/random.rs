//! Scenarios for random bytes. Both the program and the back end can set a seed. The base uses only the seed that is
//! set first.

use picoevent_conformance::{Harness, Sizes};

fn only_the_first_seed_is_used_on_every_back_end<S: Harness>() {
    let random_bytes = |base: &mut picoevent_conformance::Base| {
        let mut bytes = [0; 40];
        base.random(&mut bytes).map(|()| bytes)
    };
    let mut results = Vec::new();
    for _ in 0..2 {
        let mut harness = S::new(Sizes::default());
        assert!(random_bytes(harness.base()).is_err(), "there is no seed yet");
        harness.base().seed(&[9; 32]);
        let before = random_bytes(harness.base()).expect("it has a seed");
        harness.step();
        harness.base().seed(&[7; 32]);
        results.push((before, random_bytes(harness.base()).expect("it has a seed")));
        harness.end();
    }
    assert_eq!(results[0], results[1]);
    assert_ne!(results[0].0, results[0].1);
}

on_every_back_end!(only_the_first_seed_is_used_on_every_back_end,);
