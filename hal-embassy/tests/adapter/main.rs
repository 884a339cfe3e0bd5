//! The adapter on an unmodified embassy-net, against a plain smoltcp peer, under virtual time.

mod accepting;
mod listening;
mod world;
