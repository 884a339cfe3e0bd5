//! Replaces the module `online` if the feature `online` is off: the collector is given by address, and there is no
//! broker.

use core::time::Duration;

use picoevent::{ConnMut, Cx, PoolId, SetupError};

use crate::{Gateway, Sample};

pub(crate) const EVENTS: usize = 0;
pub(crate) const CONNS: usize = 0;
pub(crate) const BYTES: usize = 0;
pub(crate) const POOLS: usize = 0;
pub(crate) const UDP_SOCKETS: usize = 0;

/// The state of the feature `online`, which is empty without the feature.
pub(crate) struct Online;

impl Online {
    pub(crate) const fn new() -> Self {
        Self
    }
}

impl Gateway {
    pub(crate) fn start_online(&mut self, _: &mut Cx<Self>, _: PoolId) -> Result<(), SetupError> {
        Ok(())
    }

    pub(crate) fn connect_uplink(&mut self, conn: &mut ConnMut<Self>, delay: Duration) {
        if let Some(collector) = self.setup.collector {
            let _ = conn.connect_after(delay, collector);
        }
    }

    pub(crate) fn publish(&mut self, _: &mut Cx<Self>, _: Sample) {}

    pub(crate) fn stop_online(&mut self, _: &mut Cx<Self>) {}
}
