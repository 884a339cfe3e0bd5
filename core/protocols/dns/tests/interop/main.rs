//! Tests of the resolver, the responder and the browser against third-party programs. Without `cargo xtask interop`,
//! these tests are ignored. This command runs the tests and prints which programs the tests need.

mod names;
mod programs;
mod services;

use domain as _;
use fastrand as _;
use hickory_proto as _;
use picoevent_scripted as _;
