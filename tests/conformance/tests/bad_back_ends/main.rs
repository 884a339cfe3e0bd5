//! Back ends that break their side of the contract: the base does not panic, loses nothing that it holds,
//! and its loop still ends.

mod clocks;
mod greed;
mod huge;
mod news;
mod orders;
mod unruly;
