//! Tests with back ends that violate the contract of the trait `Backend`. The base must not panic or lose slots, and
//! its loop must still end.

mod clocks;
mod faulty;
mod greed;
mod huge;
mod orders;
mod reports;
