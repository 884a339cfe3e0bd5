//! Shortens a program as long as it still fails in the same way.

use picoevent_sim_support::shrink;

use crate::program::{ConnDecl, Decl, Id, Line, News, Op, Peer, Program, Timeout, bits};

/// Leaves out and simplifies what it can, as long as `fails` returns true.
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
        let shorter = consistent(Program { lines });
        fails(&shorter).then_some(shorter.lines)
    });
}

/// Drops lines about events, watchers and connections that no line makes.
fn consistent(mut program: Program) -> Program {
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
    let is_of_pair = pairs_of(&program, &ids);
    program.lines.retain(|line| {
        let known = |id| ids.contains(&id);
        let caller = match line {
            Line::On(id, ..) | Line::At(_, News::Peer(id, _)) => known(*id),
            Line::Pair(one, other) => known(*one) && known(*other),
            _ => true,
        };
        let common = match line.op() {
            Some(Op::Add(_, Timeout::Common(number))) => number < commons,
            Some(Op::Finish(id)) => is_of_pair.contains(&id),
            _ => true,
        };
        caller && common && line.op().and_then(Op::id).is_none_or(known)
    });
    program
}

/// Returns the connections of pairs.
fn pairs_of(program: &Program, ids: &[Id]) -> Vec<Id> {
    let pairs = program.lines.iter().filter_map(|line| match line {
        Line::Pair(one, other) => Some([*one, *other]),
        _ => None,
    });
    pairs.filter(|pair| pair.iter().all(|id| ids.contains(id))).flatten().collect()
}

/// Simplifies lines, one at a time.
fn simplify(best: &mut Program, fails: &mut impl FnMut(&Program) -> bool) {
    for at in 0..best.lines.len() {
        while let Some(plainer) = plainer(&best.lines[at]).into_iter().find_map(|line| {
            let mut candidate = best.clone();
            candidate.lines[at] = line;
            (candidate != *best && fails(&candidate)).then_some(candidate)
        }) {
            *best = plainer;
        }
    }
}

fn plainer(line: &Line) -> Vec<Line> {
    match line.clone() {
        Line::Event(decl) => plainer_decls(decl).into_iter().map(Line::Event).collect(),
        Line::On(id, firing, op) => {
            let mut lines: Vec<_> =
                plainer_ops(op).into_iter().map(|op| Line::On(id, firing, op)).collect();
            lines.extend((0..firing).map(|firing| Line::On(id, firing, op)));
            lines.push(Line::Main(op));
            lines
        }
        Line::Main(op) => plainer_ops(op).into_iter().map(Line::Main).collect(),
        Line::Conn(decl) => vec![Line::Conn(ConnDecl { priority: 4, ..decl })],
        Line::At(time, News::Peer(id, peer)) => {
            let peers = plainer_peers(peer).into_iter().map(|peer| News::Peer(id, peer));
            let at = |time, news| Line::At(time, news);
            peers.map(|news| at(time, news)).chain(earlier(time, News::Peer(id, peer))).collect()
        }
        Line::At(time, news) => earlier(time, news),
        _ => Vec::new(),
    }
}

fn plainer_decls(decl: Decl) -> Vec<Decl> {
    vec![
        Decl { priority: None, ..decl },
        Decl { edge: false, ..decl },
        Decl { persist: false, ..decl },
        Decl { drain: false, ..decl },
        Decl { what: decl.what & decl.what.wrapping_neg(), ..decl },
    ]
}

fn earlier(time: u64, news: News) -> Vec<Line> {
    [0, 10].into_iter().filter(|at| *at < time).map(|at| Line::At(at, news)).collect()
}

fn plainer_peers(peer: Peer) -> Vec<Peer> {
    let fewer = |amount: usize| [1, amount / 2].into_iter().filter(move |few| *few < amount);
    match peer {
        Peer::Send(amount) => fewer(amount).map(Peer::Send).collect(),
        Peer::Take(amount) => fewer(amount).map(Peer::Take).collect(),
        Peer::Reset => vec![Peer::End],
        Peer::End => Vec::new(),
    }
}

fn plainer_ops(op: Op) -> Vec<Op> {
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
        Op::Some(id, amount) => vec![Op::Write(id, amount), Op::Some(id, 1)],
        Op::Consume(id, amount) if amount > 1 => vec![Op::Consume(id, 1)],
        Op::Enable(id, what) => plainer_directions(what).map(|what| Op::Enable(id, what)).collect(),
        Op::Disable(id, what) => {
            plainer_directions(what).map(|what| Op::Disable(id, what)).collect()
        }
        Op::Timeouts(id, read, write) => [(None, write), (read, None)]
            .into_iter()
            .filter(|fewer| *fewer != (read, write))
            .map(|(read, write)| Op::Timeouts(id, read, write))
            .collect(),
        Op::Peer(id, peer) => {
            plainer_peers(peer).into_iter().map(|peer| Op::Peer(id, peer)).collect()
        }
        Op::Run(flags) if flags > 0 => vec![Op::Run(0)],
        Op::Take(ms) if ms > 1 => vec![Op::Take(1)],
        _ => Vec::new(),
    }
}

/// Returns each single direction if `what` has both directions. Otherwise returns none.
fn plainer_directions(what: u8) -> impl Iterator<Item = u8> {
    [bits::READ, bits::WRITE]
        .into_iter()
        .filter(move |one| what == bits::READ | bits::WRITE && *one != what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_matter_is_left_out_and_the_rest_made_plain() {
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
