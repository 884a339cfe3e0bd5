//! Random bytes: the seed of the program, and the seed of the back end.

use picoevent_conformance::{Sizes, Stage};

fn the_first_seed_counts_on_every_back_end<S: Stage>() {
    let draw = |base: &mut picoevent_conformance::Base| {
        let mut bytes = [0; 40];
        base.random(&mut bytes).map(|()| bytes)
    };
    let mut drawn = Vec::new();
    for _ in 0..2 {
        let mut stage = S::new(Sizes::default());
        assert!(draw(stage.base()).is_err(), "there is no seed yet");
        stage.base().seed(&[9; 32]);
        let before = draw(stage.base()).expect("it has a seed");
        stage.step();
        stage.base().seed(&[7; 32]);
        drawn.push((before, draw(stage.base()).expect("it has a seed")));
        stage.end();
    }
    assert_eq!(drawn[0], drawn[1]);
    assert_ne!(drawn[0].0, drawn[0].1);
}

on_every_stage!(the_first_seed_counts_on_every_back_end,);
