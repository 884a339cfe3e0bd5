//! The resolver, the responder and the browser with third-party programs. Without `cargo xtask
//! interop` these tests are ignored; this command runs them and says what they need.

mod names;
mod programs;
mod services;

use domain as _;
use fastrand as _;
use hickory_proto as _;
use picoevent_scripted as _;
