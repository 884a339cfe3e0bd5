//! The report of a failure. It has at most twelve lines. One line is a command that the reader can copy.

use std::fmt::{self, Write as _};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::world::cases::any_test_case::AnyTestCase;
use crate::world::cases::log_observer::LogObserver;
use crate::world::cases::simulator::Simulator;
use crate::world::choices::choice_log::Choice;
use crate::world::choices::random::mix;
use crate::world::simulation::verdict::Outcome;

/// The number of last events that are shown.
const EVENTS: usize = 3;

/// The report of a simulation that failed.
pub struct Report {
    application: String,
    seed: Option<u64>,
    /// The command that runs the simulation again.
    again: Option<String>,
    /// The command that looks for a shorter choice log.
    shorter: Option<String>,
    outcome: Outcome,
    events: Vec<String>,
}

impl Report {
    /// Runs the choice log of a failure again to record its last events.
    pub fn new(case: &dyn AnyTestCase, seed: Option<u64>, outcome: &Outcome) -> Self {
        let (log, lines) = LogObserver::new(EVENTS + 1);
        let mut simulator = Simulator::new();
        simulator.take_choices(&outcome.choices);
        simulator.observe(Box::new(log));
        let outcome = case.run(&mut simulator);
        // The last event is the verdict. The report already shows the verdict, so this event is left out.
        let mut events: Vec<_> = lines.borrow().iter().cloned().collect();
        events.pop();
        let application = case.name().to_owned();
        Self { application, seed, again: None, shorter: None, outcome, events }
    }

    /// Adds the command that reproduces the failure.
    #[must_use]
    pub fn repeat(mut self, command: String) -> Self {
        self.again = Some(command);
        self
    }

    /// Adds the command that looks for a shorter choice log.
    #[must_use]
    pub fn shorter(mut self, command: String) -> Self {
        self.shorter = Some(command);
        self
    }

    /// Writes the choice log into a file in a separate folder under `folder`. Returns the path of the file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_choices(&self, folder: &Path) -> io::Result<PathBuf> {
        let name = self.seed.map_or_else(|| "replayed".to_owned(), |seed| seed.to_string());
        let folder = folder.join(&self.application).join(name);
        fs::create_dir_all(&folder)?;
        let path = folder.join("choices");
        fs::write(&path, choice_log_text(&self.application, &self.outcome))?;
        Ok(path)
    }
}

/// Returns a choice log as the text of a file.
pub fn choice_log_text(application: &str, outcome: &Outcome) -> String {
    let mut text = format!("# picoevent-sim choices, application {application}\n");
    let _ = writeln!(text, "# {}", in_one_line(outcome));
    for line in &outcome.choices {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// Returns the source text of a test that replays a choice log. The name of the test contains a hash of the choices. The
/// test calls a function with the name of the application, which must return the test case.
pub fn test_text(application: &str, lines: &[Choice], outcome: &Outcome) -> String {
    let mut name = application.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    if name.starts_with(|c: char| !c.is_ascii_alphabetic()) {
        name.insert_str(0, "case_");
    }
    let mut choices = String::new();
    for line in lines {
        let choice = line.to_string();
        let _ = writeln!(choices, "{}", choice.split('#').next().unwrap_or_default().trim_end());
    }
    let hash = choices.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte))) >> 32;
    let (kind, verdict) = (outcome.verdict.kind().word(), in_one_line(outcome));
    let mut text = format!("/// {verdict}\n#[test]\nfn {name}_{kind}_{hash:08x}() {{\n");
    let _ = writeln!(text, "    let choices = \"\\\n{choices}\";");
    let _ = writeln!(text, "    // `{name}` returns the test case.");
    let _ = writeln!(text, "    {name}().check_choices(choices);\n}}");
    text
}

/// Returns the text of the verdict, with escape sequences instead of line breaks and other control characters.
fn in_one_line(outcome: &Outcome) -> String {
    let mut text = String::new();
    for c in outcome.verdict.to_string().chars() {
        match c.is_control() {
            true => text.extend(c.escape_default()),
            false => text.push(c),
        }
    }
    text
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { application, seed, again, shorter, outcome, events } = self;
        let which = seed.map_or_else(|| "the choice log".to_owned(), |seed| format!("seed {seed}"));
        writeln!(f, "FAILED {application}, {which}: {}", outcome.verdict)?;
        writeln!(
            f,
            "  at {:.6} s, after {} frames, {} callbacks and {} choices; the last events:",
            outcome.lasted as f64 / 1e6,
            outcome.frames,
            outcome.callbacks,
            outcome.choices.len()
        )?;
        for event in events {
            writeln!(f, "{event}")?;
        }
        if let Some(command) = again {
            writeln!(f, "  repeat: {command}")?;
        }
        if let Some(command) = shorter {
            writeln!(f, "  shrink: {command}")?;
        }
        Ok(())
    }
}
