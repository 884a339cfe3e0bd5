//! The page of a sweep: one file of HTML that needs nothing from elsewhere.

use std::fmt::{self, Write as _};

use super::words;
use crate::world::{FaultKind, Kind, Tally};

const STYLE: &str = include_str!("page/style.css");

/// How high the bars of the histogram are drawn, and how wide.
const HEIGHT: f64 = 160.0;
const WIDTH: f64 = 26.0;
/// What the first label needs to the left of its bar.
const MARGIN: f64 = 40.0;

/// Makes the page of a sweep of `application` that `command` started; `once_more` says by which
/// command a seed is run again.
pub fn page(
    application: &str,
    command: &str,
    tally: &Tally,
    once_more: impl Fn(u64) -> String,
) -> String {
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut page, application, command, tally, &once_more);
    page
}

fn write(
    page: &mut String,
    application: &str,
    command: &str,
    tally: &Tally,
    once_more: &dyn Fn(u64) -> String,
) -> fmt::Result {
    let (application, command) = (Escaped(application), Escaped(command));
    let good = tally.failed == 0 && tally.diverged.is_empty();
    let (class, word) = if good { ("good", "all passed") } else { ("bad", "failed") };
    writeln!(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(page, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(page, "<title>{application}: {} worlds, {word}</title>", tally.seeds)?;
    writeln!(page, "<style>\n{STYLE}</style>\n</head>\n<body>\n<main>")?;
    writeln!(page, "<h1>{application} <span class=\"badge {class}\">{word}</span></h1>")?;
    writeln!(page, "<p class=\"command\"><code>{command}</code></p>")?;
    figures(page, tally)?;
    verdicts(page, tally)?;
    failures(page, tally, once_more)?;
    waits(page, tally)?;
    faults(page, tally)?;
    writeln!(page, "<footer>digest <code>{:016x}</code></footer>", tally.digest)?;
    writeln!(page, "</main>\n</body>\n</html>")
}

fn figures(page: &mut String, tally: &Tally) -> fmt::Result {
    let micros = u64::try_from(tally.took.as_micros()).unwrap_or(u64::MAX);
    writeln!(page, "<section class=\"figures\">")?;
    for (figure, what) in [
        (grouped(tally.seeds), "worlds"),
        (grouped(tally.failed), "failed"),
        (grouped(tally.rate() as u64), "seeds in a second"),
        (span(tally.simulated), "simulated"),
        (words::time(micros), "of our time"),
        (format!("{} ×", grouped(tally.speed() as u64)), "real time"),
        (grouped(tally.frames), "frames"),
        (grouped(tally.callbacks), "callbacks"),
        (grouped(tally.served), "clients served"),
    ] {
        writeln!(page, "<div><b>{figure}</b><span>{what}</span></div>")?;
    }
    writeln!(page, "</section>")
}

fn verdicts(page: &mut String, tally: &Tally) -> fmt::Result {
    writeln!(page, "<h2>Verdicts</h2>\n<table class=\"bars\">")?;
    for kind in Kind::ALL {
        let count = tally.verdicts[kind as usize];
        let meaning = match kind {
            Kind::Pass => "everything as it should be",
            Kind::Crash => "the device panicked",
            Kind::Invariant => "something happened that must never happen",
            Kind::Stuck => "something that must happen did not",
            Kind::Leak => "something is held that nobody needs",
        };
        let class = match (kind, count) {
            (_, 0) => "none",
            (Kind::Pass, _) => "good",
            _ => "bad",
        };
        let share = Bar(count, tally.seeds, class);
        let (word, count) = (kind.word(), grouped(count));
        let head = format!("<th scope=\"row\">{word}</th><td class=\"n\">{count}</td>");
        writeln!(page, "<tr class=\"{class}\">{head}<td>{share}</td><td>{meaning}</td></tr>")?;
    }
    writeln!(page, "</table>")?;
    if tally.checked > 0 {
        let (checked, differed) = (grouped(tally.checked), tally.diverged.len());
        writeln!(page, "<p>{checked} seeds ran twice; {differed} did not repeat themselves.</p>")?;
    }
    Ok(())
}

fn failures(page: &mut String, tally: &Tally, once_more: &dyn Fn(u64) -> String) -> fmt::Result {
    if tally.failures.is_empty() {
        return Ok(());
    }
    writeln!(page, "<h2>Failing seeds</h2>")?;
    let told = tally.failures.len() as u64;
    if told < tally.failed {
        let failed = grouped(tally.failed);
        writeln!(page, "<p>The first of each kind: {told} of {failed}.</p>")?;
    }
    writeln!(page, "<ol class=\"failures\">")?;
    for failure in &tally.failures {
        let verdict = failure.outcome.verdict.to_string();
        let (kind, text) = verdict.split_once(": ").unwrap_or((&verdict, ""));
        let at = words::time(failure.outcome.lasted);
        let command = once_more(failure.seed);
        writeln!(page, "<li><b>seed {}</b> <span class=\"badge bad\">{kind}</span>", failure.seed)?;
        writeln!(page, "<p>{} <i>at {at}</i></p>", Escaped(text))?;
        writeln!(page, "<pre><code>{}</code></pre></li>", Escaped(&command))?;
    }
    writeln!(page, "</ol>")
}

/// The time from a client's first call until it is served: a bar for each half octave.
fn waits(page: &mut String, tally: &Tally) -> fmt::Result {
    let spans: Vec<_> = tally.waited.spans().collect();
    let first = spans.iter().position(|(_, count)| *count > 0);
    let last = spans.iter().rposition(|(_, count)| *count > 0);
    let (Some(first), Some(last)) = (first, last) else { return Ok(()) };
    let spans = &spans[first..=last];
    let most = spans.iter().map(|(_, count)| *count).max().unwrap_or(1);
    let within = |permille| tally.waited.within(permille).map(words::time).unwrap_or_default();
    writeln!(page, "<h2>Time until a client is served</h2>")?;
    writeln!(
        page,
        "<p>In virtual time, from its first call to the last byte of its script: half within \
         <b>{}</b>, 90 % within <b>{}</b>, 99 % within <b>{}</b>, all within <b>{}</b>.</p>",
        within(500),
        within(900),
        within(990),
        within(1_000)
    )?;
    let width = MARGIN + WIDTH * spans.len() as f64 + 10.0;
    let height = HEIGHT + 70.0;
    writeln!(page, "<div class=\"wide\"><svg viewBox=\"0 0 {width} {height}\" width=\"{width}\">")?;
    for (index, (end, count)) in spans.iter().enumerate() {
        let x = MARGIN + index as f64 * WIDTH;
        let high = *count as f64 / most as f64 * HEIGHT;
        // What happened once can be seen beside what happened a million times.
        let high = if *count > 0 { high.max(2.0) } else { 0.0 };
        let top = 20.0 + HEIGHT - high;
        let (wide, base) = (WIDTH - 3.0, 20.0 + HEIGHT + 14.0);
        let (end, count) = (words::time(*end), grouped(*count));
        writeln!(
            page,
            "<g><title>{count} clients within {end}</title>\
             <rect class=\"hover\" x=\"{x}\" y=\"0\" width=\"{WIDTH}\" height=\"{height}\"/>\
             <rect x=\"{x}\" y=\"{top:.1}\" width=\"{wide}\" height=\"{high:.1}\" rx=\"2\"/>"
        )?;
        if index % 2 == 0 {
            let middle = x + wide / 2.0;
            writeln!(
                page,
                "<text x=\"{middle}\" y=\"{base}\" transform=\"rotate(-40 {middle} {base})\" \
                 text-anchor=\"end\">{end}</text>"
            )?;
        }
        writeln!(page, "</g>")?;
    }
    writeln!(page, "</svg></div>")
}

fn faults(page: &mut String, tally: &Tally) -> fmt::Result {
    let kinds = FaultKind::ALL.iter().filter(|kind| **kind != FaultKind::None);
    let mut kinds: Vec<_> = kinds
        .map(|kind| (kind, tally.stricken[*kind as usize], tally.struck[*kind as usize]))
        .collect();
    kinds.sort_by_key(|(_, worlds, _)| u64::MAX - worlds);
    let most = kinds.first().map_or(1, |(_, worlds, _)| *worlds);
    writeln!(page, "<h2>Faults that struck</h2>\n<table class=\"bars\">")?;
    writeln!(page, "<thead><tr><th></th><th class=\"n\">worlds</th><th></th>")?;
    writeln!(page, "<th class=\"n\">times</th></tr></thead>")?;
    for (kind, worlds, times) in kinds {
        let bar = Bar(worlds, most, "fault");
        let (word, worlds, times) = (kind.word(), grouped(worlds), grouped(times));
        writeln!(page, "<tr><th scope=\"row\">{word}</th><td class=\"n\">{worlds}</td>")?;
        writeln!(page, "<td>{bar}</td><td class=\"n\">{times}</td></tr>")?;
    }
    writeln!(page, "</table>")?;
    writeln!(page, "<p>Faults of the cable are counted by frame, others each time they begin.</p>")
}

/// A bar: so many of so many.
struct Bar(u64, u64, &'static str);

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(part, whole, class) = *self;
        let share = part as f64 * 100.0 / whole.max(1) as f64;
        write!(f, "<div class=\"bar {class}\"><i style=\"width:{share:.2}%\"></i></div>")
    }
}

/// Text within HTML.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Simulated time, which may be years.
fn span(micros: u128) -> String {
    let hours = micros as f64 / 3.6e9;
    match hours {
        ..2.0 => words::time(micros as u64),
        ..48.0 => format!("{hours:.1} h"),
        ..17_520.0 => format!("{:.1} days", hours / 24.0),
        _ => format!("{:.1} years", hours / 8_766.0),
    }
}

#[cfg(test)]
mod tests;
