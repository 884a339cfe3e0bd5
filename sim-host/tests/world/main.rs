//! Worlds of applications that are made for it here: the simulator as a user has it.

mod capacities;
mod lines;
mod observers;
mod own_application;
mod reports;
mod shrinking;
mod verdicts;
