//! `replay` and `shrink`: the commands that take a choice log.

use std::path::Path;

use super::line::Views;
use super::{End, find, run, views};
use crate::world::{
    AnyTestCase, Choice, LIMIT, Simulator, choice_log_text, shrink as make_shorter, test_text,
};

fn read<'s>(
    path: &Path,
    cases: &[&'s dyn AnyTestCase],
) -> Result<(&'s dyn AnyTestCase, Vec<Choice>), End> {
    let (index, text) = (path.display(), views::read(path)?);
    let (name, lines) =
        Choice::read_all(&text).map_err(|error| End::Error(format!("{index}: {error}")))?;
    let name = name.ok_or_else(|| {
        let wanted = "# picoevent-sim choices, application echo";
        End::Error(format!("{index} does not name its application, as in {wanted:?}"))
    })?;
    Ok((find(&name, cases)?, lines))
}

pub(super) fn replay(path: &Path, views: &Views, cases: &[&dyn AnyTestCase]) -> Result<(), End> {
    let (case, lines) = read(path, cases)?;
    let mut simulator = Simulator::new();
    simulator.take_choices(&lines);
    run::show_all(case, &mut simulator, None, None, views)
}

pub(super) fn shrink(path: &Path, cases: &[&dyn AnyTestCase]) -> Result<(), End> {
    let (case, lines) = read(path, cases)?;
    let shrunk = make_shorter(case, &lines, LIMIT)
        .ok_or_else(|| End::Error(format!("the simulation of {} does not fail", path.display())))?;
    println!("{} lines became {}, after {} tries", lines.len(), shrunk.choices.len(), shrunk.tried);
    shrunk.choices.iter().for_each(|line| println!("  {line}"));
    println!("{}", shrunk.outcome.verdict);
    let log = choice_log_text(case.name(), &shrunk.outcome);
    views::write(&path.with_extension("min"), log.as_bytes())?;
    let test = test_text(case.name(), &shrunk.choices, &shrunk.outcome);
    views::write(&path.with_extension("rs"), test.as_bytes())
}
