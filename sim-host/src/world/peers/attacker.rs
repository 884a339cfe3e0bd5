//! The attacker: sends frames that no client's stack would send.
//!
//! The attacker has an address but no network stack. It answers ARP requests. It opens connections, and then violates
//! TCP in ways that are chosen at random from the seed.

use std::net::Ipv4Addr;

use smoltcp::wire::{TcpControl, TcpSeqNumber};

use crate::world::choices::choice_log::ChoiceLog;
use crate::world::choices::choice_point::{ChoicePoint, Stream};
use crate::world::choices::kinds::AttackKind;
use crate::world::choices::random::Random;
use crate::world::network::ether::Ether;

mod forge;

use forge::{Answer, Segment};

/// One attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attack {
    pub(crate) kind: AttackKind,
    pub(crate) at: u64,
    /// The seed of the attack's details.
    number: u64,
}

impl Attack {
    /// Chooses the attack with the number `nth`. The attack begins at the time `quiet` at the latest.
    pub(crate) fn choose(choice_log: &mut ChoiceLog, nth: u32, quiet: u64) -> Self {
        let stream = Stream::Attacker;
        let kind = choice_log.choose_for(stream, ChoicePoint::Kind, nth, |random| {
            random.between(1, AttackKind::ALL.len() as u64 - 1)
        });
        let kind = AttackKind::of_answer(kind);
        if kind == AttackKind::None {
            return Self { kind, at: 0, number: 0 };
        }
        let at =
            choice_log.choose_for(stream, ChoicePoint::Start, nth, |r| r.spread(1_000, 10_000_000));
        let number = choice_log.choose_for(stream, ChoicePoint::Number, nth, |r| r.below(1 << 20));
        Self { kind, at: at.min(quiet), number }
    }
}

/// A connection that the attacker opened for an attack.
struct Connection {
    port: u16,
    attack: Attack,
    is_accepted: bool,
}

pub(crate) struct Attacker {
    connections: Vec<Connection>,
    next_port: u16,
    device: (Ipv4Addr, u16),
}

impl Attacker {
    pub(crate) fn new(device: (Ipv4Addr, u16)) -> Self {
        Self { connections: Vec::new(), next_port: 20_000, device }
    }

    /// Carries out one attack.
    pub(crate) fn attack(&mut self, attack: Attack, ether: &mut Ether) {
        let mut random = Random::new(attack.number, attack.kind as u64);
        let many = random.between(1, 12);
        match attack.kind {
            AttackKind::None => {}
            AttackKind::SynFlood => {
                for _ in 0..many {
                    self.connect(&mut random, ether);
                }
            }
            AttackKind::Garbage => (0..many).for_each(|_| forge::garbage(&mut random, ether)),
            AttackKind::PingFlood => (0..many).for_each(|_| self.ping(&mut random, ether)),
            AttackKind::DataAfterFin | AttackKind::MalformedSegments => {
                let port = self.connect(&mut random, ether);
                self.connections.push(Connection { port, attack, is_accepted: false });
            }
            AttackKind::StraySegments => (0..many).for_each(|_| {
                let port = self.fresh_port();
                let number = TcpSeqNumber(random.next() as i32);
                let answer = Some(TcpSeqNumber(random.next() as i32));
                let (control, push) = any_flags(&mut random);
                self.send(Segment { port, control, push, number, answer, bytes: &[7; 3] }, ether);
            }),
        }
    }

    /// Handles the frames that the device has sent to the attacker. Returns whether any frame was handled.
    pub(crate) fn work(&mut self, ether: &mut Ether) -> bool {
        let mut any = false;
        while let Some(frame) = ether.to_attacker.pop_front() {
            any = true;
            match forge::parse(&frame) {
                Some(Answer::WhoHas(target, hardware)) => forge::arp_reply(target, hardware, ether),
                Some(Answer::Accepted { port, number, answer }) => {
                    self.accepted(port, number, answer, ether);
                }
                None => {}
            }
            ether.put_back(frame);
        }
        any
    }

    /// Continues an attack when the device has accepted the attacker's connection.
    fn accepted(&mut self, port: u16, theirs: TcpSeqNumber, own: TcpSeqNumber, ether: &mut Ether) {
        let mut connections = self.connections.iter_mut();
        let connection = connections.find(|open| open.port == port && !open.is_accepted);
        let Some(connection) = connection else { return };
        connection.is_accepted = true;
        let attack = connection.attack;
        let mut random = Random::new(attack.number, 99);
        let answer = Some(theirs + 1);
        let mut send = |control, push, number, answer, bytes: &[u8]| {
            self.send(Segment { port, control, push, number, answer, bytes }, ether);
        };
        send(TcpControl::None, false, own, answer, &[]);
        if attack.kind == AttackKind::DataAfterFin {
            send(TcpControl::Fin, false, own, answer, b"last");
            send(TcpControl::None, true, own + 5, answer, b"more");
            send(TcpControl::Fin, false, own + 9, answer, &[]);
            return;
        }
        for _ in 0..random.between(1, 8) {
            let (control, push) = any_flags(&mut random);
            let number = vary(own, &mut random);
            let answer = random.chance(900).then(|| vary(theirs + 1, &mut random));
            let length = random.below(40) as usize;
            send(control, push, number, answer, &[b'm'; 40][..length]);
        }
    }

    fn connect(&mut self, random: &mut Random, ether: &mut Ether) -> u16 {
        let (port, number) = (self.fresh_port(), TcpSeqNumber(random.next() as i32));
        let control = TcpControl::Syn;
        self.send(Segment { port, control, push: false, number, answer: None, bytes: &[] }, ether);
        port
    }

    fn fresh_port(&mut self) -> u16 {
        self.next_port += 1;
        self.next_port
    }

    fn send(&self, segment: Segment<'_>, ether: &mut Ether) {
        segment.send(self.device, ether);
    }

    fn ping(&self, random: &mut Random, ether: &mut Ether) {
        forge::ping(self.device.0, random, ether);
    }

    /// Handles a change of the device's address.
    pub(crate) fn device_is_at(&mut self, address: Ipv4Addr) {
        self.device.0 = address;
    }
}

fn any_flags(random: &mut Random) -> (TcpControl, bool) {
    let control = match random.below(6) {
        0 => TcpControl::Syn,
        1 => TcpControl::Fin,
        2 => TcpControl::Rst,
        _ => TcpControl::None,
    };
    (control, random.chance(500))
}

/// Returns `number` itself, a number close to `number`, or any number, chosen at random.
fn vary(number: TcpSeqNumber, random: &mut Random) -> TcpSeqNumber {
    let TcpSeqNumber(right) = number;
    TcpSeqNumber(match random.below(4) {
        0 | 1 => right,
        2 => right.wrapping_add(random.below(2_000) as i32 - 1_000),
        _ => random.next() as i32,
    })
}
