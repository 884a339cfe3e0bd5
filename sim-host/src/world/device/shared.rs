//! The state that the modules of a simulation share. Its memory is reused by the next simulation.

use std::cell::RefCell;
use std::sync::Arc;

use picoevent::record::Record;

use crate::world::device::probe::Seen;
use crate::world::network::ether::Ether;
use crate::world::peers::service::Running;

/// The cable, the probe's observations, the programs of the servers, and the recorder of the device's base.
pub(crate) struct Shared {
    pub(crate) ether: RefCell<Ether>,
    pub(crate) seen: RefCell<Seen>,
    pub(crate) programs: RefCell<Vec<Running>>,
    pub(crate) recorder: Option<Arc<dyn Record>>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            ether: RefCell::new(Ether::new()),
            seen: RefCell::default(),
            programs: RefCell::default(),
            recorder: None,
        }
    }
}
