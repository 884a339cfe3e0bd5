//! Judges a simulation: decides whether the current phase is over, and whether something did not happen in time.

use super::{Judgement, Phase, Simulation};
use crate::world::choices::choice_point::MOST;
use crate::world::device::interrupt;
use crate::world::peers::client::{Client, Stage};
use crate::world::simulation::verdict::Verdict;

/// The time in microseconds within which every client must be served after the end of the faults.
pub(super) const SERVED_WITHIN: u64 = 240_000_000;
/// The interval of the checks of a slow client, in microseconds. A client is slow if it is not served in time but still
/// sends or receives bytes. For example, its segments have few bytes, and the delays between them are long. The first
/// check is one interval before `SERVED_WITHIN`.
pub(super) const CHECK_INTERVAL: u64 = 60_000_000;
/// The maximum number of checks of slow clients.
pub(super) const SLOW_CLIENT_CHECKS: u32 = 30;
/// The time in microseconds within which all objects must be freed after all clients are served.
const EMPTY_WITHIN: u64 = 160_000_000;
/// The time in microseconds within which the loop must end after the interrupt.
const ENDED_WITHIN: u64 = 60_000_000;
/// The time in microseconds after which no socket is in use any more. It is longer than the sum of the stack's timeout,
/// the linger timeout, and the time for sending a reset.
const AT_REST_AFTER: u64 = 100_000_000;
/// The time within which the clients of the socket-leak check must be served, in microseconds. In some applications,
/// some of these clients are served only after an idle timeout.
const CHECKED_WITHIN: u64 = SERVED_WITHIN;

impl Simulation<'_> {
    /// Advances the phase and judges the simulation.
    pub(super) fn judge(&mut self) -> Judgement {
        let over = Judgement::Over;
        if let Some(end) = self.device.end.get() {
            return over(match interrupt::raised() > 0 {
                true => Verdict::Pass,
                false => {
                    Verdict::Invariant(format!("the loop ended ({end:?}) without an interrupt"))
                }
            });
        }
        if self.is_ending() && !matches!(self.phase, Phase::Ending(_)) {
            self.phase = Phase::Ending(self.now + ENDED_WITHIN);
        }
        if self.must_accept_all
            && let Some(client) = self.peer.clients.iter().find(|client| client.refused > 0)
            && self.is_roomy()
        {
            let text = "was refused, though a socket was free for it";
            return over(Verdict::Invariant(format!("client {} {text}", client.number)));
        }
        if self.loses_none
            && let Some(client) = self.peer.udp_clients.iter().find(|client| client.has_resent)
        {
            let text = "was not answered, though nothing can lose a datagram";
            return over(Verdict::Invariant(format!("UDP client {} {text}", client.number)));
        }
        match self.phase {
            Phase::Serving(_) if self.peer.is_served() && self.is_met() => {
                self.phase = Phase::Emptying(self.now + EMPTY_WITHIN);
                Judgement::Again
            }
            Phase::Serving(_) if let Some(text) = self.overdue() => over(Verdict::Stuck(text)),
            Phase::Serving(by) if self.now >= by => {
                if !self.peer.is_served() && !self.clients_make_progress() {
                    return over(self.unserved());
                }
                self.phase = Phase::Serving(self.now + CHECK_INTERVAL);
                Judgement::GoOn
            }
            Phase::Emptying(by) => match self.check_all_freed() {
                Err(held) if self.now >= by => over(Verdict::Leak(held)),
                Err(_) => Judgement::GoOn,
                Ok(()) if self.next_to_check().is_some() => {
                    self.phase = Phase::Resting(self.now + AT_REST_AFTER);
                    Judgement::Again
                }
                Ok(()) if !self.ends_when_interrupted => over(Verdict::Pass),
                Ok(()) => {
                    interrupt::raise();
                    self.phase = Phase::Ending(self.now + ENDED_WITHIN);
                    Judgement::Again
                }
            },
            // A client has just connected, or the application has accepted a connection that waited in the stack. So
            // objects are in use again, and the simulation must wait until they are freed.
            Phase::Resting(_) if self.check_all_freed().is_err() => {
                self.phase = Phase::Emptying(self.now + EMPTY_WITHIN);
                Judgement::GoOn
            }
            Phase::Resting(until) if self.now >= until => {
                self.check_next_listener();
                self.checks_left = SLOW_CLIENT_CHECKS;
                self.phase = Phase::SocketLeakCheck(self.now + CHECKED_WITHIN - CHECK_INTERVAL);
                Judgement::Again
            }
            Phase::SocketLeakCheck(by) => match self.socket_leak_check() {
                Ok(true) => {
                    self.phase = Phase::Emptying(self.now + EMPTY_WITHIN);
                    Judgement::Again
                }
                Ok(false) if self.now < by => Judgement::GoOn,
                Ok(false) if self.clients_make_progress() => {
                    self.phase = Phase::SocketLeakCheck(self.now + CHECK_INTERVAL);
                    Judgement::GoOn
                }
                Ok(false) => {
                    let port = self.checked.last().copied().unwrap_or_default();
                    over(Verdict::Leak(format!("a socket is gone: port {port} does not answer")))
                }
                Err(problem) => over(problem),
            },
            Phase::Ending(by) if self.now >= by => {
                let after = ENDED_WITHIN / 1_000_000;
                over(Verdict::Stuck(format!("the loop still runs {after} s after the interrupt")))
            }
            Phase::Faults | Phase::Serving(_) | Phase::Resting(_) | Phase::Ending(_) => {
                Judgement::GoOn
            }
        }
    }

    /// Checks slow clients. Returns whether clients that are not served yet have sent or received bytes since the last
    /// check. At the first check, there is no earlier progress, so this function returns `true`. After
    /// [`SLOW_CLIENT_CHECKS`] checks, this function returns `false`.
    fn clients_make_progress(&mut self) -> bool {
        let progress = self.peer.progress();
        let makes_progress = self.checks_left == SLOW_CLIENT_CHECKS
            || self.checks_left > 0 && progress != self.progress_seen;
        (self.checks_left, self.progress_seen) = (self.checks_left.saturating_sub(1), progress);
        makes_progress
    }

    /// Returns whether all conditions of the quiet phase have held.
    fn is_met(&self) -> bool {
        self.shared.seen.borrow().unmet.iter().all(Option::is_none)
    }

    /// Returns the conditions that have not held yet: the time limit of each condition, and the reason why the
    /// condition has not held.
    fn limits(&self) -> impl Iterator<Item = (u64, String)> {
        let unmet = self.shared.seen.borrow().unmet.clone();
        let limits = self.limits.iter().map(|limit| self.quiet_since + limit);
        limits.zip(unmet).filter_map(|(limit, unmet)| Some((limit, unmet?)))
    }

    /// Returns the earliest time limit of the conditions that have not held yet, or `u64::MAX` if no time limit applies
    /// now.
    pub(super) fn next_limit(&self) -> u64 {
        match self.phase {
            Phase::Serving(_) if !self.limits.is_empty() => {
                self.limits().map(|(limit, _)| limit).min().unwrap_or(u64::MAX)
            }
            _ => u64::MAX,
        }
    }

    /// Returns a text about a condition that has not held in time, or `None` if there is no such condition.
    fn overdue(&self) -> Option<String> {
        if self.limits.is_empty() {
            return None;
        }
        let (limit, text) = self.limits().find(|(limit, _)| self.now >= *limit)?;
        let after = (limit - self.quiet_since) / 1_000_000;
        Some(format!("{text}, {after} s after the last fault"))
    }

    /// Returns whether the application must end because it was interrupted.
    pub(super) fn is_ending(&self) -> bool {
        self.ends_when_interrupted && interrupt::raised() > 0
    }

    /// Returns whether each client finds a listening socket, whatever the order in which the clients connect.
    fn is_roomy(&self) -> bool {
        let clients = &self.peer.clients;
        let at_port = |port| clients.iter().filter(|client| client.target_port == port).count();
        let at_one_port =
            clients.iter().map(|client| at_port(client.target_port)).max().unwrap_or(0);
        let (sockets, backlog) = (self.spare_sockets(), self.backlog);
        let listeners = &self.shared.seen.borrow().listeners;
        let may_listen = |port| at_port(port) <= listeners.may_listen(port, backlog);
        clients.iter().all(|client| may_listen(client.target_port))
            && listeners.have_room(clients.len(), at_one_port, sockets, backlog)
    }

    /// Returns the port of the next listener for the socket-leak check, and the number of clients that connect to this
    /// port. Returns `None` if no listener must be checked.
    fn next_to_check(&self) -> Option<(u16, usize)> {
        if self.plan.leak_check_clients == 0 {
            return None;
        }
        let listeners = &self.shared.seen.borrow().listeners;
        let spare = self.spare_sockets();
        let ports = listeners.open_ports().iter().copied();
        let mut to_check = ports.filter(|port| !self.checked.contains(port)).map(|port| {
            let clients_needed = listeners.share(port, spare, self.backlog);
            (port, clients_needed.min(self.plan.leak_check_clients))
        });
        to_check.find(|(_, clients_needed)| *clients_needed > 0)
    }

    /// Returns the number of clients for which the device has sockets at the same time. Sockets of connections that the
    /// application keeps are not counted.
    fn spare_sockets(&self) -> usize {
        let kept = self.device.baseline.conns + self.later.conns;
        let spare = self.device.sockets.saturating_sub(kept);
        if self.relays { spare / 2 } else { spare }
    }

    /// Makes clients connect to the next listener.
    fn check_next_listener(&mut self) {
        let Some((port, clients_needed)) = self.next_to_check() else { return };
        let mut ether = self.ether.borrow_mut();
        let clients = &mut self.peer.clients;
        let before = clients.iter().filter(|client| client.is_of_socket_leak_check()).count();
        clients.extend((before..before + clients_needed).map(|nth| {
            let number = MOST as u32 + 1 + nth as u32;
            Client::of_socket_leak_check(&mut ether.choice_log, number, port, self.script)
        }));
        self.checked.push(port);
        self.closings = self.shared.seen.borrow().listeners.closings();
    }

    /// Returns whether all clients of the socket-leak check are served. Returns an error if an open listener has
    /// refused one of these clients.
    fn socket_leak_check(&self) -> Result<bool, Verdict> {
        let checking =
            || self.peer.clients.iter().filter(|client| client.is_of_socket_leak_check());
        // The application may close a listener during the check. In this case, a client may be refused, and it connects
        // again later, when the listener is open.
        let is_open = self.closings == self.shared.seen.borrow().listeners.closings();
        let of_this = |client: &&Client| Some(&client.target_port) == self.checked.last();
        match checking().filter(of_this).find(|client| client.refused > 0) {
            Some(client) if is_open => Err(Verdict::Leak(format!(
                "a socket is gone: client {} was refused at port {}, where a socket should listen for it",
                client.number, client.target_port
            ))),
            _ => Ok(checking().all(|client| client.served)),
        }
    }

    fn unserved(&self) -> Verdict {
        let after = (self.now - self.quiet_since) / 1_000_000;
        let client = self.peer.clients.iter().find(|client| client.is_owed());
        if client.is_none()
            && let Some(client) = self.peer.udp_clients.iter().find(|client| !client.served)
        {
            let number = client.number;
            return Verdict::Stuck(format!(
                "UDP client {number} is not answered, {after} s after the last fault"
            ));
        }
        let (number, how) = client.map_or((0, Stage::Gone), |client| (client.number, client.stage));
        let how = match how {
            Stage::Connected => "is connected and waits",
            _ => "is refused again and again",
        };
        Verdict::Stuck(format!("client {number} {how}, {after} s after the last fault"))
    }

    /// Returns an error if any object is still in use.
    fn check_all_freed(&self) -> Result<(), String> {
        let (in_use, expected) = (self.shared.seen.borrow().counts, self.device.baseline);
        let later = self.later;
        for (what, in_use, expected) in [
            ("connections", in_use.conns, expected.conns + later.conns),
            ("events", in_use.events, expected.events + later.events),
            ("listeners", in_use.listeners, expected.listeners),
            ("waiting or due events", in_use.added, expected.added + later.added),
        ] {
            if in_use > expected {
                return Err(format!("{what} in use at the end: {in_use}, expected {expected}"));
            }
        }
        Ok(())
    }
}
