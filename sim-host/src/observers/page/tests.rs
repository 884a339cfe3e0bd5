use std::time::Duration;

use picoevent::Settings;

use super::*;
use crate::world::{AnyTestCase, Failure, Outcome, Simulator, TestCase, Verdict};

fn outcome() -> Outcome {
    let case = TestCase::new(
        "nothing",
        7,
        || (),
        |cx, address, clients| {
            let clients = cx.add_pool(clients)?;
            cx.listen_with(address, clients, &const { Settings::new() }, |_, _, _| ())
        },
    );
    let mut simulator = Simulator::new();
    simulator.take_choices(&[]);
    case.run(&mut simulator)
}

#[test]
fn a_page_shows_failures_and_has_no_external_resources() {
    let verdict = Verdict::Leak("2 < 3 & \"so on\"".to_owned());
    let failure = Failure { seed: 17, outcome: Outcome { verdict, ..outcome() } };
    let mut tally = Tally { seeds: 1_234_567, failed: 9, ..Tally::default() };
    (tally.took, tally.simulated) = (Duration::from_secs(61), 10_u128.pow(15));
    tally.verdicts[Kind::Leak as usize] = 9;
    tally.failures.push(failure);
    let page = page("echo", "cargo sim run echo", &tally, |seed| format!("cargo sim <{seed}>"));
    for wanted in [
        "<title>echo: 1234567 simulations, failed</title>",
        "<b>1,234,567</b>",
        "<b>31.7 years</b>",
        "2 &lt; 3 &amp; &quot;so on&quot;",
        "<pre><code>cargo sim &lt;17&gt;</code></pre>",
        "The first of each kind: 1 of 9.",
    ] {
        assert!(page.contains(wanted), "{wanted} is not in {page}");
    }
    for outside in ["http", "src=", "href=", "url(", "@import", "<script"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn every_element_is_closed() {
    let mut tally = Tally { seeds: 3, ..Tally::default() };
    [100, 150, 9_000_000].into_iter().for_each(|micros| tally.waited.count(micros));
    let without_servers = page("echo", "", &tally, |_| String::new());
    assert!(!without_servers.contains("Server faults"), "{without_servers}");
    tally.simulations_with_server_fault[ServerFaultKind::Resets as usize] = 2;
    let page = page("echo", "", &tally, |_| String::new());
    assert!(page.contains("Server faults") && page.contains("accepts-late"), "{page}");
    for element in ["main", "table", "section", "div", "tr", "td", "th", "p", "ol"] {
        let opened = page.matches(&format!("<{element}>")).count()
            + page.matches(&format!("<{element} ")).count();
        let closed = page.matches(&format!("</{element}>")).count();
        assert_eq!(opened, closed, "{element}");
    }
    assert!(page.contains("all passed"), "{page}");
}
