//! The adapter on an unmodified embassy-net, against a plain smoltcp peer, under virtual time.

mod accepting;
mod closing;
mod ending;
mod halves;
mod listening;
mod world;
