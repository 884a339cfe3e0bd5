//! libevent's regression tests of descriptors, signals and connections. They run on the operating system's descriptors,
//! signals and sockets.
//!
//! The same scenarios run in virtual time in `core/tests/regress`. `docs/regress.md` lists all scenarios. The tests in
//! this folder do not sleep, and do not check how much time has passed.

mod closing;
mod connections;
mod et;
mod other_threads;
mod signal;
mod streams;
mod support;
mod transfer;
