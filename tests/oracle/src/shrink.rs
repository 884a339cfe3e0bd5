//! Shortens a program as long as it still fails in the same way.

use picoevent_sim_support::shrink;

use crate::program::{Decl, Line, Op, Program, Timeout};

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

/// Leaves out lines, together with the lines about what they make.
fn leave_out(best: &mut Program, fails: &mut impl FnMut(&Program) -> bool) {
    best.lines = shrink::leave_out(best.lines.clone(), |lines| {
        let shorter = consistent(Program { lines });
        fails(&shorter).then_some(shorter.lines)
    });
}

/// Drops lines about events that no line makes.
fn consistent(mut program: Program) -> Program {
    let mut ids = Vec::new();
    let mut commons = 0;
    for line in &program.lines {
        match line {
            Line::Event(decl) => ids.push(decl.id),
            Line::Watcher(id, _) => ids.push(*id),
            Line::Common(_) => commons += 1,
            _ => {}
        }
    }
    program.lines.retain(|line| {
        let known = |id| ids.contains(&id);
        let caller = match line {
            Line::On(id, ..) => known(*id),
            _ => true,
        };
        let common = match line.op() {
            Some(Op::Add(_, Timeout::Common(number))) => number < commons,
            _ => true,
        };
        caller && common && line.op().and_then(Op::id).is_none_or(known)
    });
    program
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
        Line::At(time, news) if time > 0 => vec![Line::At(0, news), Line::At(10, news)],
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
        Op::Run(flags) if flags > 0 => vec![Op::Run(0)],
        Op::Take(ms) if ms > 1 => vec![Op::Take(1)],
        _ => Vec::new(),
    }
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
