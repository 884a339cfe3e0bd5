//! Applies the events of a plan to a simulation: each fault, server fault, attack and interrupt at its time.

use embassy_net::ConfigV4;

use super::judge::{CHECK_INTERVAL, SERVED_WITHIN};
use super::{Phase, Simulation};
use crate::world::choices::choice_point::MAX_CLOCK_STEP;
use crate::world::choices::fault::Fault;
use crate::world::choices::kinds::FaultKind;
use crate::world::choices::server_fault::ServerFault;
use crate::world::device::clock;
use crate::world::device::interrupt;
use crate::world::device::size::at;
use crate::world::simulation::timeline::PlannedEvent;

impl Simulation<'_> {
    /// Applies an event of the plan. For example, a fault begins or ends, or the attacker acts.
    pub(super) fn apply(&mut self, event: PlannedEvent) {
        match event {
            PlannedEvent::Begins(fault) => {
                self.report(&fault, true);
                self.begin_fault(&fault);
                self.active.push(fault);
            }
            PlannedEvent::Ends(fault) => {
                self.report(&fault, false);
                if let Some(index) = self.active.iter().position(|active| *active == fault) {
                    self.active.remove(index);
                }
                self.end_fault(&fault);
            }
            PlannedEvent::Interrupt(run) => {
                self.ether.borrow_mut().mark(|| format!("interrupt handler {} runs", run.handler));
                if let Some(handler) = self.handlers.get(run.handler) {
                    interrupt::run(*handler, run.points, run.number);
                }
            }
            PlannedEvent::ServerFault(fault, begins) => self.change_server_fault(fault, begins),
            PlannedEvent::Attack(attack) => {
                self.attacker.attack(attack, &mut self.ether.borrow_mut())
            }
            PlannedEvent::Quiet => {
                self.ether.borrow_mut().mark(|| "the faults are over".to_owned());
                if self.phase == Phase::Faults {
                    self.phase = Phase::Serving(self.now + SERVED_WITHIN - CHECK_INTERVAL);
                }
                (self.quiet_since, self.faults_are_over) = (self.now, true);
                self.shared.seen.borrow_mut().begin_quiet(self.limits.len());
                if !self.limits.is_empty() {
                    self.device.tasks.wake();
                }
                // After a forged byte, a client may wait for an answer that does not come. If the application has no
                // idle timeout, or if the client belongs to a crowd, this wait may have no end. So clients that are not
                // served yet connect again.
                let may_wait = self.keeps_silent_clients || self.peer.crowd.is_some();
                if may_wait && !self.ether.borrow().forged.is_empty() {
                    self.peer.connect_again();
                }
                let clients = self.peer.clients.iter_mut();
                clients.filter(|client| client.socket.is_some()).for_each(|c| c.wake = self.now);
            }
        }
        self.ether.borrow_mut().set_faults(self.active.iter());
    }

    /// Begins or ends a [`ServerFault`], a time in which a server misbehaves.
    fn change_server_fault(&mut self, fault: ServerFault, begins: bool) {
        let port = self.peer.servers.get(fault.server).map_or(0, |server| server.port);
        let now = self.now;
        let mut ether = self.ether.borrow_mut();
        ether.server_fault_counts[fault.kind as usize] += u32::from(begins);
        ether.digest.word(fault.kind as u64 | u64::from(begins) << 8 | u64::from(port) << 16);
        if let Some(observer) = &mut ether.observer {
            observer.server_fault(now, port, &fault, begins);
        }
        drop(ether);
        self.peer.change_server_fault(fault, begins);
    }

    fn report(&mut self, fault: &Fault, begins: bool) {
        let mut ether = self.ether.borrow_mut();
        if begins {
            ether.fault_counts[fault.kind as usize] += u32::from(!fault.kind.is_of_frames());
        }
        ether.digest.word(fault.kind as u64 | u64::from(begins) << 8);
        let now = self.now;
        if let Some(observer) = &mut ether.observer {
            observer.fault(now, fault, begins);
        }
    }

    /// Applies the effects that a fault has when it begins, except the effects on frames.
    fn begin_fault(&mut self, fault: &Fault) {
        match fault.kind {
            FaultKind::AddressLost | FaultKind::AddressChanged => {
                self.device.stack.set_config_v4(ConfigV4::None);
            }
            FaultKind::Reboot => self.peer.reboot(self.now, self.is_ending()),
            FaultKind::ClockStep => clock::step(fault.severity.min(MAX_CLOCK_STEP)),
            _ => {}
        }
    }

    /// Ends the effects of a fault, except the effects on frames.
    fn end_fault(&mut self, fault: &Fault) {
        let lost = |fault: &Fault| {
            matches!(fault.kind, FaultKind::AddressLost | FaultKind::AddressChanged)
        };
        if lost(fault) && !self.active.iter().any(lost) {
            let same = self.peer.device;
            let [a, b, c, last] = same.octets();
            let address = match fault.kind {
                FaultKind::AddressChanged => [a, b, c, last % 60 + 2].into(),
                _ => same,
            };
            let config = match &mut self.dhcp {
                Some(dhcp) => {
                    dhcp.set_address(address);
                    ConfigV4::Dhcp(Default::default())
                }
                None => {
                    self.moved(address);
                    ConfigV4::Static(at(address))
                }
            };
            self.device.stack.set_config_v4(config);
        }
    }
}
