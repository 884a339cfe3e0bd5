//! One simulation, from its plan to its verdict.

pub(crate) mod drive;
pub(crate) mod plan;
pub(crate) mod timeline;
pub(crate) mod verdict;
pub(crate) mod waits;
