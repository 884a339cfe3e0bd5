//! The vandal: frames that no client's stack would send.
//!
//! He has an address of his own and no stack behind it: he answers questions for his hardware
//! address, begins connections he does not mean, and breaks them in ways that are his choice.

use std::net::Ipv4Addr;

use smoltcp::wire::{TcpControl, TcpSeqNumber};

use crate::world::choices::kinds::ActKind;
use crate::world::choices::question::{Question, Stream};
use crate::world::choices::random::Random;
use crate::world::choices::tape::Tape;
use crate::world::network::ether::Ether;

mod forge;

use forge::{Answer, Segment};

/// One act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) kind: ActKind,
    pub(crate) at: u64,
    /// What else there is to choose follows from this number.
    number: u64,
}

impl Act {
    /// Draws the act of this number, by `calm`.
    pub(crate) fn draw(tape: &mut Tape, nth: u32, calm: u64) -> Self {
        let stream = Stream::Vandal;
        let kind = tape.ask_about(stream, Question::Kind, nth, |random| {
            random.between(1, ActKind::ALL.len() as u64 - 1)
        });
        let kind = ActKind::of_answer(kind);
        if kind == ActKind::None {
            return Self { kind, at: 0, number: 0 };
        }
        let at = tape.ask_about(stream, Question::Start, nth, |r| r.spread(1_000, 10_000_000));
        let number = tape.ask_about(stream, Question::Number, nth, |r| r.below(1 << 20));
        Self { kind, at: at.min(calm), number }
    }
}

/// A connection he began and means to break.
struct Call {
    port: u16,
    act: Act,
    answered: bool,
}

pub(crate) struct Vandal {
    calls: Vec<Call>,
    next_port: u16,
    device: (Ipv4Addr, u16),
}

impl Vandal {
    pub(crate) fn new(device: (Ipv4Addr, u16)) -> Self {
        Self { calls: Vec::new(), next_port: 20_000, device }
    }

    /// Does one act.
    pub(crate) fn act(&mut self, act: Act, ether: &mut Ether) {
        let mut random = Random::new(act.number, act.kind as u64);
        let many = random.between(1, 12);
        match act.kind {
            ActKind::None => {}
            ActKind::SynFlood => {
                for _ in 0..many {
                    self.call(&mut random, ether);
                }
            }
            ActKind::Garbage => (0..many).for_each(|_| forge::garbage(&mut random, ether)),
            ActKind::PingFlood => (0..many).for_each(|_| self.ping(&mut random, ether)),
            ActKind::DataAfterFin | ActKind::Mischief => {
                let port = self.call(&mut random, ether);
                self.calls.push(Call { port, act, answered: false });
            }
            ActKind::Strays => (0..many).for_each(|_| {
                let port = self.fresh_port();
                let number = TcpSeqNumber(random.next() as i32);
                let answer = Some(TcpSeqNumber(random.next() as i32));
                let (control, push) = anything(&mut random);
                self.send(Segment { port, control, push, number, answer, bytes: &[7; 3] }, ether);
            }),
        }
    }

    /// Hears what the device says to him; whether anything.
    pub(crate) fn work(&mut self, ether: &mut Ether) -> bool {
        let mut any = false;
        while let Some(frame) = ether.to_vandal.pop_front() {
            any = true;
            match forge::understand(&frame) {
                Some(Answer::WhoHas(target, hardware)) => forge::here_i_am(target, hardware, ether),
                Some(Answer::Welcome { port, number, answer }) => {
                    self.welcomed(port, number, answer, ether);
                }
                None => {}
            }
            ether.put_back(frame);
        }
        any
    }

    /// The device has accepted a connection of his.
    fn welcomed(&mut self, port: u16, theirs: TcpSeqNumber, own: TcpSeqNumber, ether: &mut Ether) {
        let call = self.calls.iter_mut().find(|call| call.port == port && !call.answered);
        let Some(call) = call else { return };
        call.answered = true;
        let act = call.act;
        let mut random = Random::new(act.number, 99);
        let answer = Some(theirs + 1);
        let mut send = |control, push, number, answer, bytes: &[u8]| {
            self.send(Segment { port, control, push, number, answer, bytes }, ether);
        };
        send(TcpControl::None, false, own, answer, &[]);
        if act.kind == ActKind::DataAfterFin {
            send(TcpControl::Fin, false, own, answer, b"last");
            send(TcpControl::None, true, own + 5, answer, b"more");
            send(TcpControl::Fin, false, own + 9, answer, &[]);
            return;
        }
        for _ in 0..random.between(1, 8) {
            let (control, push) = anything(&mut random);
            let number = nearly(own, &mut random);
            let answer = random.chance(900).then(|| nearly(theirs + 1, &mut random));
            let length = random.below(40) as usize;
            send(control, push, number, answer, &[b'm'; 40][..length]);
        }
    }

    fn call(&mut self, random: &mut Random, ether: &mut Ether) -> u16 {
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

    /// The device has moved.
    pub(crate) fn device_is_at(&mut self, address: Ipv4Addr) {
        self.device.0 = address;
    }
}

fn anything(random: &mut Random) -> (TcpControl, bool) {
    let control = match random.below(6) {
        0 => TcpControl::Syn,
        1 => TcpControl::Fin,
        2 => TcpControl::Rst,
        _ => TcpControl::None,
    };
    (control, random.chance(500))
}

/// A number that is right, or nearly, or not at all.
fn nearly(number: TcpSeqNumber, random: &mut Random) -> TcpSeqNumber {
    let TcpSeqNumber(right) = number;
    TcpSeqNumber(match random.below(4) {
        0 | 1 => right,
        2 => right.wrapping_add(random.below(2_000) as i32 - 1_000),
        _ => random.next() as i32,
    })
}
