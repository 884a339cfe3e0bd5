//! The time of day.

use core::time::Duration;

use picoevent::Cx;
use picoevent_sntp::{self as sntp, Client, HasClock, SyncError, Synced};

use super::TimeServer;
use crate::{Gateway, info};

/// The time between two synchronisations with the server.
const INTERVAL: Duration = Duration::from_secs(3_600);

impl HasClock for Gateway {
    fn clock(&mut self) -> &mut Client {
        &mut self.online.clock
    }

    fn synced(&mut self, _: &mut Cx<Self>, result: Result<Synced, SyncError>) {
        match result {
            Ok(synced) => {
                (self.online.settings.clock_is_set)(synced.time);
                if synced.step.is_none() {
                    info!("the clock is set");
                }
            }
            Err(error) => info!("the clock is not set: {}", error),
        }
    }
}

impl Gateway {
    pub(super) fn start_clock(&mut self, cx: &mut Cx<Self>) {
        let started = match self.online.settings.time_server {
            Some(TimeServer::At(server)) => {
                self.online.clock.set_servers(&[server]);
                sntp::start(self, cx, INTERVAL)
            }
            Some(TimeServer::Named(name)) => sntp::start_by_name(self, cx, name, INTERVAL),
            None => Ok(()),
        };
        if let Err(error) = started {
            info!("there is no clock: {}", error);
        }
    }
}
