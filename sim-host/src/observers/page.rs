//! The page of a sweep: one HTML file without external resources.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::words;
use crate::world::{FaultKind, Kind, ServerFaultKind, Tally};

const STYLE: &str = include_str!("page/style.css");

/// Makes the page of a sweep of `application` that was started by `command`. `repeat_command` returns the command that
/// runs a seed again.
pub fn page(
    application: &str,
    command: &str,
    tally: &Tally,
    repeat_command: impl Fn(u64) -> String,
) -> String {
    let good = tally.failed == 0 && tally.diverged.is_empty();
    let (class, word) = if good { ("good", "all passed") } else { ("bad", "failed") };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (application) ": " (tally.seeds) " simulations, " (word) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (application) " " span class={ "badge " (class) } { (word) } }
                    p.command { code { (command) } }
                    (figures(tally))
                    (verdicts(tally))
                    (failures(tally, &repeat_command))
                    (waits(tally))
                    (faults(tally))
                    (server_faults(tally))
                    footer { "digest " code { (format!("{:016x}", tally.digest)) } }
                }
            }
        }
    };
    page.into_string()
}

fn figures(tally: &Tally) -> Markup {
    let micros = u64::try_from(tally.took.as_micros()).unwrap_or(u64::MAX);
    let figures = [
        (grouped(tally.seeds), "simulations"),
        (grouped(tally.failed), "failed"),
        (grouped(tally.rate() as u64), "seeds per second"),
        (span(tally.simulated), "simulated"),
        (words::time(micros), "of real time"),
        (format!("{} ×", grouped(tally.speed() as u64)), "real time"),
        (grouped(tally.frames), "frames"),
        (grouped(tally.callbacks), "callbacks"),
        (grouped(tally.served), "clients served"),
    ];
    html! {
        section.figures {
            @for (figure, what) in figures { div { b { (figure) } span { (what) } } }
        }
    }
}

fn verdicts(tally: &Tally) -> Markup {
    let meaning = |kind| match kind {
        Kind::Pass => "everything was correct",
        Kind::Crash => "the device panicked",
        Kind::Invariant => "an invariant was violated",
        Kind::Stuck => "something that must happen did not",
        Kind::Leak => "an object is still in use at the end",
    };
    let class = |kind, count| match (kind, count) {
        (_, 0) => "none",
        (Kind::Pass, _) => "good",
        _ => "bad",
    };
    html! {
        h2 { "Verdicts" }
        table.bars {
            @for kind in Kind::ALL {
                @let count = tally.verdicts[kind as usize];
                tr class=(class(kind, count)) {
                    th scope="row" { (kind.word()) }
                    td.n { (grouped(count)) }
                    td { (bar(count, tally.seeds, class(kind, count))) }
                    td { (meaning(kind)) }
                }
            }
        }
        @if tally.checked > 0 {
            p {
                (grouped(tally.checked)) " seeds ran twice; " (tally.diverged.len())
                " of the second runs differed."
            }
        }
    }
}

fn failures(tally: &Tally, repeat_command: &dyn Fn(u64) -> String) -> Markup {
    let shown = tally.failures.len() as u64;
    html! {
        @if shown > 0 {
            h2 { "Failing seeds" }
            @if shown < tally.failed {
                p { "The first of each kind: " (shown) " of " (grouped(tally.failed)) "." }
            }
            ol.failures {
                @for failure in &tally.failures {
                    @let verdict = failure.outcome.verdict.to_string();
                    @let (kind, text) = verdict.split_once(": ").unwrap_or((&verdict, ""));
                    li {
                        b { "seed " (failure.seed) } " " span class="badge bad" { (kind) }
                        p { (text) " " i { "at " (words::time(failure.outcome.lasted)) } }
                        pre { code { (repeat_command(failure.seed)) } }
                    }
                }
            }
        }
    }
}

/// Shows a histogram of the time from a client's first connect until the client is served. The range from each power of
/// two to the next is divided into two bars.
fn waits(tally: &Tally) -> Markup {
    let spans: Vec<_> = tally.waited.spans().collect();
    let first = spans.iter().position(|(_, count)| *count > 0);
    let last = spans.iter().rposition(|(_, count)| *count > 0);
    let (Some(first), Some(last)) = (first, last) else { return Markup::default() };
    let spans = &spans[first..=last];
    let most = spans.iter().map(|(_, count)| *count).max().unwrap_or(1);
    let within = |permille| tally.waited.within(permille).map(words::time).unwrap_or_default();
    html! {
        h2 { "Time until a client is served" }
        p {
            "In virtual time, from its first connect to the last byte of its script: half within "
            b { (within(500)) } ", 90 % within " b { (within(900)) } ", 99 % within "
            b { (within(990)) } ", all within " b { (within(1_000)) } "."
        }
        table.bars {
            @for (end, count) in spans {
                tr {
                    th scope="row" { "≤ " (words::time(*end)) }
                    td.n { (grouped(*count)) }
                    td { (bar(*count, most, "")) }
                }
            }
        }
    }
}

fn faults(tally: &Tally) -> Markup {
    let kinds = FaultKind::ALL.iter().filter(|kind| **kind != FaultKind::None);
    let mut kinds: Vec<_> = kinds
        .map(|kind| {
            (kind, tally.simulations_with_fault[*kind as usize], tally.fault_counts[*kind as usize])
        })
        .collect();
    kinds.sort_by_key(|(_, simulations, _)| u64::MAX - simulations);
    let most = kinds.first().map_or(1, |(_, simulations, _)| *simulations);
    html! {
        h2 { "Faults that had an effect" }
        table.bars {
            thead { tr { th {} th.n { "simulations" } th {} th.n { "times" } } }
            @for (kind, simulations, times) in kinds {
                tr {
                    th scope="row" { (kind.word()) }
                    td.n { (grouped(simulations)) }
                    td { (bar(simulations, most, "fault")) }
                    td.n { (grouped(times)) }
                }
            }
        }
        p { "Faults of the cable are counted by frame, others each time they begin." }
    }
}

/// Shows the server faults, if there were any.
fn server_faults(tally: &Tally) -> Markup {
    let kinds = ServerFaultKind::ALL.iter().filter(|kind| **kind != ServerFaultKind::None);
    let mut kinds: Vec<_> = kinds
        .map(|kind| {
            (
                kind,
                tally.simulations_with_server_fault[*kind as usize],
                tally.server_fault_counts[*kind as usize],
            )
        })
        .collect();
    kinds.sort_by_key(|(_, simulations, _)| u64::MAX - simulations);
    let most = kinds.first().map_or(0, |(_, simulations, _)| *simulations);
    html! {
        @if most > 0 {
            h2 { "Server faults" }
            p { "Servers have accepted " (grouped(tally.accepted)) " connections." }
            table.bars {
                thead { tr { th {} th.n { "simulations" } th {} th.n { "times" } } }
                @for (kind, simulations, times) in kinds {
                    tr {
                        th scope="row" { (kind.word()) }
                        td.n { (grouped(simulations)) }
                        td { (bar(simulations, most, "fault")) }
                        td.n { (grouped(times)) }
                    }
                }
            }
        }
    }
}

/// Draws a bar of length `part / whole`.
fn bar(part: u64, whole: u64, class: &str) -> Markup {
    let share = part as f64 * 100.0 / whole.max(1) as f64;
    html! { div class={ "bar " (class) } { i style=(format!("width:{share:.2}%")) {} } }
}

/// Formats a number in groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// Formats simulated time in a suitable unit. The simulated time of a sweep can be several years.
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
