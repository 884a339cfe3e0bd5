//! `replay` and `shrink`: what is done with a tape.

use std::fs;
use std::path::Path;

use super::line::Views;
use super::{End, find, run};
use crate::world::{LIMIT, Lab, Line, Subject, shrink as make_shorter, tape_text, test_text};

fn read<'s>(
    path: &Path,
    subjects: &[&'s dyn Subject],
) -> Result<(&'s dyn Subject, Vec<Line>), End> {
    let place = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| End::Trouble(format!("{place} can not be read: {error}")))?;
    let (name, lines) =
        Line::read_all(&text).map_err(|error| End::Trouble(format!("{place}: {error}")))?;
    let name = name.ok_or_else(|| {
        let wanted = "# picoevent-sim tape, application echo";
        End::Trouble(format!("{place} does not name its application, as in {wanted:?}"))
    })?;
    Ok((find(&name, subjects)?, lines))
}

pub(super) fn replay(path: &Path, views: &Views, subjects: &[&dyn Subject]) -> Result<(), End> {
    let (subject, lines) = read(path, subjects)?;
    let mut lab = Lab::new();
    lab.take_lines(&lines);
    run::told(subject, &mut lab, None, None, views)
}

pub(super) fn shrink(path: &Path, subjects: &[&dyn Subject]) -> Result<(), End> {
    let (subject, lines) = read(path, subjects)?;
    let shrunk = make_shorter(subject, &lines, LIMIT)
        .ok_or_else(|| End::Trouble(format!("the world of {} does not fail", path.display())))?;
    let write = |end: &str, text: &str| {
        let path = path.with_extension(end);
        fs::write(&path, text).map_err(|error| {
            End::Trouble(format!("{} can not be written: {error}", path.display()))
        })?;
        println!("{}", path.display());
        Ok(())
    };
    println!("{} lines became {}, after {} tries", lines.len(), shrunk.lines.len(), shrunk.tried);
    shrunk.lines.iter().for_each(|line| println!("  {line}"));
    println!("{}", shrunk.outcome.verdict);
    write("min", &tape_text(subject.name(), &shrunk.outcome))?;
    write("rs", &test_text(subject.name(), &shrunk.lines, &shrunk.outcome))
}
