//! Shortens a program that fails. The shorter program still fails in the same way.

use picoevent_sim_support::shrink;

use crate::program::{
    ConnDecl, EventDecl, ExternalEvent, Id, Line, Op, PeerAction, Program, Timeout, bits,
};

/// Leaves out and simplifies lines, as long as `fails` returns `true` for the shorter program.
pub fn shrink(program: &Program, mut fails: impl FnMut(&Program) -> bool) -> Program {
    let mut best = program.clone();
    loop {
        let before = best.clone();
        leave_out(&mut best, &mut fails);
        simplify(&mut best, &mut fails);
        if best == before {
            return best;
        }
    }
}

/// Leaves out lines, together with the lines about the objects that they make.
fn leave_out(best: &mut Program, fails: &mut impl FnMut(&Program) -> bool) {
    best.lines = shrink::leave_out(best.lines.clone(), |lines| {
        let shorter = without_dangling_lines(Program { lines });
        fails(&shorter).then_some(shorter.lines)
    });
}

/// Drops lines about events, watchers and connections that no line makes.
fn without_dangling_lines(mut program: Program) -> Program {
    let mut ids = Vec::new();
    let mut commons = 0;
    for line in &program.lines {
        match line {
            Line::Event(decl) => ids.push(decl.id),
            Line::Watcher(id, _) | Line::Conn(ConnDecl { id, .. }) => ids.push(*id),
            Line::Common(_) => commons += 1,
            _ => {}
        }
    }
    let in_pairs = conns_in_pairs(&program, &ids);
    program.lines.retain(|line| {
        let known = |id| ids.contains(&id);
        let is_known = match line {
            Line::On(id, ..) | Line::At(_, ExternalEvent::Peer(id, _)) => known(*id),
            Line::Pair(one, other) => known(*one) && known(*other),
            _ => true,
        };
        let is_possible = match line.op() {
            Some(Op::Add(_, Timeout::Common(number))) => number < commons,
            Some(Op::Finish(id)) => in_pairs.contains(&id),
            _ => true,
        };
        is_known && is_possible && line.op().and_then(Op::id).is_none_or(known)
    });
    program
}

/// Returns the connections that belong to pairs.
fn conns_in_pairs(program: &Program, ids: &[Id]) -> Vec<Id> {
    let pairs = program.lines.iter().filter_map(|line| match line {
        Line::Pair(one, other) => Some([*one, *other]),
        _ => None,
    });
    pairs.filter(|pair| pair.iter().all(|id| ids.contains(id))).flatten().collect()
}

/// Simplifies lines, one at a time.
fn simplify(best: &mut Program, fails: &mut impl FnMut(&Program) -> bool) {
    for at in 0..best.lines.len() {
        while let Some(simpler) = simpler(&best.lines[at]).into_iter().find_map(|line| {
            let mut candidate = best.clone();
            candidate.lines[at] = line;
            (candidate != *best && fails(&candidate)).then_some(candidate)
        }) {
            *best = simpler;
        }
    }
}

fn simpler(line: &Line) -> Vec<Line> {
    match line.clone() {
        Line::Event(decl) => simpler_decls(decl).into_iter().map(Line::Event).collect(),
        Line::On(id, firing, op) => {
            let mut lines: Vec<_> =
                simpler_ops(op).into_iter().map(|op| Line::On(id, firing, op)).collect();
            lines.extend((0..firing).map(|firing| Line::On(id, firing, op)));
            lines.push(Line::Main(op));
            lines
        }
        Line::Main(op) => simpler_ops(op).into_iter().map(Line::Main).collect(),
        Line::Conn(decl) => vec![Line::Conn(ConnDecl { priority: 4, ..decl })],
        Line::At(time, ExternalEvent::Peer(id, action)) => {
            let actions = simpler_peer_actions(action)
                .into_iter()
                .map(|action| ExternalEvent::Peer(id, action));
            let at = |time, event| Line::At(time, event);
            actions
                .map(|event| at(time, event))
                .chain(earlier(time, ExternalEvent::Peer(id, action)))
                .collect()
        }
        Line::At(time, event) => earlier(time, event),
        _ => Vec::new(),
    }
}

fn simpler_decls(decl: EventDecl) -> Vec<EventDecl> {
    vec![
        EventDecl { priority: None, ..decl },
        EventDecl { edge: false, ..decl },
        EventDecl { persist: false, ..decl },
        EventDecl { drain: false, ..decl },
        EventDecl { what: decl.what & decl.what.wrapping_neg(), ..decl },
    ]
}

fn earlier(time: u64, event: ExternalEvent) -> Vec<Line> {
    [0, 10].into_iter().filter(|at| *at < time).map(|at| Line::At(at, event)).collect()
}

fn simpler_peer_actions(action: PeerAction) -> Vec<PeerAction> {
    let fewer = |amount: usize| [1, amount / 2].into_iter().filter(move |few| *few < amount);
    match action {
        PeerAction::Send(amount) => fewer(amount).map(PeerAction::Send).collect(),
        PeerAction::Take(amount) => fewer(amount).map(PeerAction::Take).collect(),
        PeerAction::Reset => vec![PeerAction::End],
        PeerAction::End => Vec::new(),
    }
}

fn simpler_ops(op: Op) -> Vec<Op> {
    match op {
        Op::Add(id, Timeout::Common(_)) => vec![Op::Add(id, Timeout::After(10))],
        Op::Add(id, Timeout::After(ms)) => [0, 10]
            .into_iter()
            .filter(|simple| *simple < ms)
            .map(|ms| Op::Add(id, Timeout::After(ms)))
            .chain([Op::Add(id, Timeout::None)])
            .collect(),
        Op::Activate(id, what) => vec![Op::Activate(id, what & what.wrapping_neg())],
        Op::Raise(signal, count) if count > 1 => vec![Op::Raise(signal, 1)],
        Op::Exit(Some(_)) => vec![Op::Exit(None)],
        Op::Write(id, amount) if amount > 1 => vec![Op::Write(id, 1), Op::Write(id, amount / 2)],
        Op::WriteSome(id, amount) => vec![Op::Write(id, amount), Op::WriteSome(id, 1)],
        Op::Consume(id, amount) if amount > 1 => vec![Op::Consume(id, 1)],
        Op::Enable(id, what) => single_directions(what).map(|what| Op::Enable(id, what)).collect(),
        Op::Disable(id, what) => {
            single_directions(what).map(|what| Op::Disable(id, what)).collect()
        }
        Op::Timeouts(id, read, write) => [(None, write), (read, None)]
            .into_iter()
            .filter(|fewer| *fewer != (read, write))
            .map(|(read, write)| Op::Timeouts(id, read, write))
            .collect(),
        Op::Peer(id, action) => {
            simpler_peer_actions(action).into_iter().map(|action| Op::Peer(id, action)).collect()
        }
        Op::Run(flags) if flags > 0 => vec![Op::Run(0)],
        Op::PassTime(ms) if ms > 1 => vec![Op::PassTime(1)],
        _ => Vec::new(),
    }
}

/// Returns each single direction if `what` has both directions. Returns no direction if `what` has only one.
fn single_directions(what: u8) -> impl Iterator<Item = u8> {
    [bits::READ, bits::WRITE]
        .into_iter()
        .filter(move |one| what == bits::READ | bits::WRITE && *one != what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_do_not_matter_are_left_out_and_the_others_are_simplified() {
        let program: Program = "event 0 timer persist prio 3\nevent 1 timer\nmain add 0 30\n\
                                main add 1 10\nmain run 4\non 0 2 del 1\non 0 2 act 0 tx\n"
            .parse()
            .unwrap();
        let shortest = shrink(&program, |program| {
            let text = program.to_string();
            text.contains("persist") && text.contains("act 0")
        });
        assert_eq!(shortest.to_string(), "event 0 timer persist\nmain act 0 t\n");
    }
}
