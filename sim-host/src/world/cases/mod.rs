//! Test cases, and running them: one seed after another, shrinking, reports, replays.

pub(crate) mod lab;
pub(crate) mod narrator;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod shrink;
pub(crate) mod sweep;
pub(crate) mod trial;
