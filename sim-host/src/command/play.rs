//! `replay` and `shrink`: what is done with a choice log.

use std::fs;
use std::path::Path;

use super::line::Views;
use super::{End, find, run};
use crate::world::{
    AnyTestCase, Choice, LIMIT, Simulator, choice_log_text, shrink as make_shorter, test_text,
};

fn read<'s>(
    path: &Path,
    cases: &[&'s dyn AnyTestCase],
) -> Result<(&'s dyn AnyTestCase, Vec<Choice>), End> {
    let place = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| End::Trouble(format!("{place} cannot be read: {error}")))?;
    let (name, lines) =
        Choice::read_all(&text).map_err(|error| End::Trouble(format!("{place}: {error}")))?;
    let name = name.ok_or_else(|| {
        let wanted = "# picoevent-sim choices, application echo";
        End::Trouble(format!("{place} does not name its application, as in {wanted:?}"))
    })?;
    Ok((find(&name, cases)?, lines))
}

pub(super) fn replay(path: &Path, views: &Views, cases: &[&dyn AnyTestCase]) -> Result<(), End> {
    let (case, lines) = read(path, cases)?;
    let mut simulator = Simulator::new();
    simulator.take_lines(&lines);
    run::told(case, &mut simulator, None, None, views)
}

pub(super) fn shrink(path: &Path, cases: &[&dyn AnyTestCase]) -> Result<(), End> {
    let (case, lines) = read(path, cases)?;
    let shrunk = make_shorter(case, &lines, LIMIT).ok_or_else(|| {
        End::Trouble(format!("the simulation of {} does not fail", path.display()))
    })?;
    let write = |end: &str, text: &str| {
        let path = path.with_extension(end);
        fs::write(&path, text).map_err(|error| {
            End::Trouble(format!("{} cannot be written: {error}", path.display()))
        })?;
        println!("{}", path.display());
        Ok(())
    };
    println!("{} lines became {}, after {} tries", lines.len(), shrunk.lines.len(), shrunk.tried);
    shrunk.lines.iter().for_each(|line| println!("  {line}"));
    println!("{}", shrunk.outcome.verdict);
    write("min", &choice_log_text(case.name(), &shrunk.outcome))?;
    write("rs", &test_text(case.name(), &shrunk.lines, &shrunk.outcome))
}
