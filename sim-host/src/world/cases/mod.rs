//! Test cases, and running them: one seed after another, shrinking, reports, replays.

mod check;
pub(crate) mod lab;
pub(crate) mod narrator;
mod replay;
pub(crate) mod report;
mod run;
pub(crate) mod shrink;
pub(crate) mod subject;
pub(crate) mod sweep;
pub(crate) mod trial;
