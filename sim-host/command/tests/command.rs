//! The command as a program: its output and its exit status.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

fn sim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_picoevent-sim"))
        .args(arguments)
        .env("CARGO_TARGET_DIR", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .expect("the command can be started")
}

fn said(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("the folder is there");
    path
}

#[test]
fn a_sweep_ends_with_its_figures() {
    let output = sim(&["run", "hello-world", "--seeds", "0..50", "--check"]);
    let text = said(&output.stdout);
    let last = text.lines().last().unwrap();
    assert!(output.status.success(), "{text}");
    assert!(last.starts_with("50 seeds, 0 failed, "), "{last}");
    assert!(last.contains(" seeds/s, ") && last.contains(" x real time, digest "), "{last}");
}

#[test]
fn one_seed_is_shown_in_full() {
    let output = sim(&["run", "echo", "--seed", "99f9233d0f2b4a7c5a1de6b0a3a1b7f0d4c3e2f1"]);
    let text = said(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("to-device") && text.contains("callback readable"), "{text}");
    assert!(text.lines().last().unwrap().contains(", digest "), "{text}");
}

#[test]
fn a_seed_leaves_a_capture_and_a_timeline() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (pcap, trace) = (folder.join("one.pcapng"), folder.join("one.json"));
    let [pcap, trace] = [pcap, trace].map(|path| path.to_str().unwrap().to_owned());
    let output = sim(&["run", "echo", "--seed", "6", "--pcap", &pcap, "--trace", &trace]);
    let text = said(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains(&format!("written: {pcap}\nwritten: {trace}\n")), "{text}");
    assert_eq!(fs::read(&pcap).unwrap()[..4], [0x0a, 0x0d, 0x0d, 0x0a]);
    let trace = fs::read_to_string(&trace).unwrap();
    assert!(trace.contains("Echo::interrupted"), "callbacks have the names of their functions");
    // Observers change nothing.
    let digest = |text: &str| text.trim_end().rsplit_once(' ').unwrap().1.to_owned();
    let alone = sim(&["run", "echo", "--seed", "6"]);
    assert_eq!(digest(&text), digest(&said(&alone.stdout)));
}

#[test]
fn a_sweep_leaves_a_page() {
    let path = file("sweep.html", "");
    let name = path.to_str().unwrap();
    let output = sim(&["run", "echo", "--seeds", "0..20", "--html", name]);
    assert!(output.status.success(), "{}", said(&output.stderr));
    assert!(said(&output.stdout).lines().last().unwrap().starts_with("20 seeds, "));
    let page = fs::read_to_string(&path).unwrap();
    let wanted = format!("cargo sim run echo --seeds 0..20 --html {name}");
    assert!(page.contains("<b>20</b>") && page.contains(&wanted), "{page}");
}

#[test]
fn a_simulation_is_watched() {
    let output = sim(&["watch", "echo", "--seed", "6", "--rt-ratio", "1000"]);
    let text = said(&output.stdout);
    assert!(output.status.success(), "{text}");
    for wanted in
        ["peers ────▶ device", "callback", "fault begins", "client 0", "simulation", "pass"]
    {
        assert!(text.contains(wanted), "{wanted} is not in {text}");
    }
}

#[test]
fn the_applications_are_listed() {
    assert_eq!(
        said(&sim(&["list"]).stdout),
        "hello-world\necho\necho-filtered\nprober\ngateway\ncaller\nhello-world-v6\ngateway-v6\n\
         udp-time\nchat\nproxy\n"
    );
}

#[test]
fn a_scenario_is_run_with_the_random_numbers_of_seeds() {
    let text = "about = 'a slow client'\n[[client]]\nbehaviour = 'slow-reader'\n";
    let path = file("slow.toml", text);
    let output = sim(&["run", "echo", "--scenario", path.to_str().unwrap(), "--seeds", "0..5"]);
    assert!(output.status.success(), "{}", said(&output.stderr));
}

#[test]
fn a_choice_log_is_replayed() {
    let path = file("choices", "# picoevent-sim choices, application echo\nclient kind 0 reset\n");
    let output = sim(&["replay", path.to_str().unwrap()]);
    assert!(output.status.success(), "{}", said(&output.stdout));
    let output = sim(&["shrink", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output.stderr).contains("does not fail"), "{}", said(&output.stderr));
}

#[test]
fn mistakes_end_with_status_2_and_other_errors_with_1() {
    let problem = |arguments: &[&str]| {
        let output = sim(arguments);
        (output.status.code(), said(&output.stderr))
    };
    let (status, text) = problem(&["run", "frog"]);
    assert_eq!(
        (status, text.contains("known are hello-world, echo, echo-filtered, prober")),
        (Some(2), true),
        "{text}"
    );
    assert_eq!(problem(&["frog"]).0, Some(2));
    assert_eq!(problem(&["run", "echo", "--seeds", "9..1"]).0, Some(2));
    let (status, text) = problem(&["replay", "/no/such/log"]);
    assert_eq!((status, text.contains("cannot be read")), (Some(1), true), "{text}");
    let path = file("bad", "# picoevent-sim choices, application echo\nfault kind zero loss\n");
    let (status, text) = problem(&["replay", path.to_str().unwrap()]);
    assert_eq!((status, text.contains("line 2: \"zero\"")), (Some(1), true), "{text}");
    let path = file("nameless", "fault kind 0 loss\n");
    let (status, text) = problem(&["shrink", path.to_str().unwrap()]);
    assert_eq!((status, text.contains("does not name its application")), (Some(1), true), "{text}");
    let path = file("bad.toml", "[[fault]]\nkind = 'lust'\nfrom = '1 s'\n");
    let (status, text) = problem(&["run", "echo", "--scenario", path.to_str().unwrap()]);
    assert_eq!((status, text.contains("known are none, loss")), (Some(1), true), "{text}");
}
