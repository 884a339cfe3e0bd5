//! Simulations of test applications, through the public API.

mod capacities;
mod datagrams;
mod lines;
mod local;
mod observers;
mod own_application;
mod reports;
mod scripts;
mod servers;
mod shrinking;
mod uplinks;
mod verdicts;
