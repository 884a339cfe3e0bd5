//! The resolver, the responder and the browser with programs of others. `cargo xtask interop` runs it and says what it
//! needs: the tests are ignored otherwise.

mod names;
mod programs;
mod services;

use domain as _;
use fastrand as _;
use hickory_proto as _;
use picoevent_scripted as _;
