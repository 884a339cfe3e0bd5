//! libevent's regression tests about descriptors, signals and connections, on real ones.
//!
//! The same scenarios run in virtual time in `core/tests/regress`; `docs/regress.md` lists all of
//! them. Nothing here waits for time to pass, and nothing asserts how much has passed.

mod closing;
mod connections;
mod et;
mod other_threads;
mod signal;
mod streams;
mod support;
mod transfer;
