//! Runs the command as a program: checks its output and its exit status.

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

fn text_of(output: &[u8]) -> String {
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
    let text = text_of(&output.stdout);
    let last = text.lines().last().unwrap();
    assert!(output.status.success(), "{text}");
    assert!(last.starts_with("50 seeds, 0 failed, "), "{last}");
    assert!(last.contains(" seeds/s, ") && last.contains(" x real time, digest "), "{last}");
}

#[test]
fn one_seed_is_shown_in_full() {
    let output = sim(&["run", "echo", "--seed", "99f9233d0f2b4a7c5a1de6b0a3a1b7f0d4c3e2f1"]);
    let text = text_of(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("to-device") && text.contains("callback readable"), "{text}");
    assert!(text.lines().last().unwrap().contains(", digest "), "{text}");
}

#[test]
fn a_seed_writes_a_capture_and_a_timeline() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (pcap, trace) = (folder.join("one.pcapng"), folder.join("one.json"));
    let [pcap, trace] = [pcap, trace].map(|path| path.to_str().unwrap().to_owned());
    let output = sim(&["run", "echo", "--seed", "6", "--pcap", &pcap, "--trace", &trace]);
    let text = text_of(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains(&format!("written: {pcap}\nwritten: {trace}\n")), "{text}");
    assert_eq!(fs::read(&pcap).unwrap()[..4], [0x0a, 0x0d, 0x0d, 0x0a]);
    let trace = fs::read_to_string(&trace).unwrap();
    assert!(trace.contains("Echo::interrupted"), "callbacks have the names of their functions");
    // Observers do not change the simulation.
    let digest = |text: &str| text.trim_end().rsplit_once(' ').unwrap().1.to_owned();
    let alone = sim(&["run", "echo", "--seed", "6"]);
    assert_eq!(digest(&text), digest(&text_of(&alone.stdout)));
}

#[test]
fn a_sweep_writes_a_page() {
    let path = file("sweep.html", "");
    let name = path.to_str().unwrap();
    let output = sim(&["run", "echo", "--seeds", "0..20", "--html", name]);
    assert!(output.status.success(), "{}", text_of(&output.stderr));
    assert!(text_of(&output.stdout).lines().last().unwrap().starts_with("20 seeds, "));
    let page = fs::read_to_string(&path).unwrap();
    let wanted = format!("cargo sim run echo --seeds 0..20 --html {name}");
    assert!(page.contains("<b>20</b>") && page.contains(&wanted), "{page}");
}

/// Runs a part of a sweep of echo. Returns the path of its report.
fn shard(seeds: &str, shard: &str, name: &str) -> String {
    let path = file(name, "").to_str().unwrap().to_owned();
    let output = sim(&["run", "echo", "--seeds", seeds, "--shard", shard, "--report", &path]);
    assert!(output.status.success(), "{}", text_of(&output.stderr));
    path
}

fn digest(output: &Output) -> String {
    let text = text_of(&output.stdout);
    assert!(output.status.success(), "{text}{}", text_of(&output.stderr));
    text.trim_end().rsplit_once(", digest ").unwrap().1.to_owned()
}

#[test]
fn shards_give_the_digest_of_one_process() {
    let whole = sim(&["run", "echo", "--seeds", "3..73"]);
    let shards: Vec<_> = (1..=3)
        .map(|number| shard("3..73", &format!("{number}/3"), &format!("part-{number}")))
        .collect();
    let [first, second, third] = &shards[..] else { panic!("three shards") };
    let merged = sim(&["merge", third, first, second]);
    assert!(
        text_of(&merged.stdout).starts_with("70 seeds, 0 failed, "),
        "{}",
        text_of(&merged.stdout)
    );
    assert_eq!(digest(&merged), digest(&whole));
    // The report of a sweep that is not divided into shards can be merged, too.
    let path = file("undivided", "").to_str().unwrap().to_owned();
    sim(&["run", "echo", "--seeds", "3..73", "--report", &path]);
    assert_eq!(digest(&sim(&["merge", &path])), digest(&whole));
}

#[test]
fn shards_that_do_not_make_a_sweep_are_refused() {
    let refused = |reports: &[&str]| {
        let output = sim(&[&["merge"], reports].concat());
        assert_eq!(output.status.code(), Some(1), "{}", text_of(&output.stdout));
        text_of(&output.stderr)
    };
    let first = shard("0..8", "1/2", "half");
    let again = shard("0..8", "1/2", "half-again");
    let other = shard("0..9", "2/2", "other-half");
    let text = refused(&[&first]);
    assert_eq!(text, "error: of 2 shards these are missing: 2\n");
    let text = refused(&[&first, &again]);
    assert_eq!(text, format!("error: {again}: {first} has shard 1/2 too\n"));
    let text = refused(&[&first, &other]);
    let of = "it is a shard of echo, seeds 0..9, in 2 shards";
    assert!(
        text.starts_with(&format!("error: {other}: {of}, but {first} is one of echo")),
        "{text}"
    );
    let report = fs::read_to_string(&first).unwrap();
    let short = file("short", &report.replace("\"seeds\": 4", "\"seeds\": 3"));
    let text = refused(&[short.to_str().unwrap()]);
    assert!(text.ends_with("only 3 of the 4 seeds of shard 1/2 were run\n"), "{text}");
    let text = refused(&[file("no-report", "{}").to_str().unwrap()]);
    assert!(text.contains("it is not a report of a shard"), "{text}");
    assert!(refused(&["nowhere"]).starts_with("error: nowhere cannot be read"));
}

/// A failure in one shard is a failure of the merged result.
#[test]
fn a_failure_in_a_shard_is_printed_with_its_command_and_status() {
    let first = shard("0..8", "1/2", "good-half");
    let second = shard("0..8", "2/2", "bad-half");
    let failure = "\"failures\": [{ \"seed\": 6, \"kind\": \"stuck\", \"verdict\": \"stuck: it waits\", \
                   \"repeat\": \"sim run echo --seed 6\" }]";
    let report = fs::read_to_string(&second).unwrap();
    let bad = report.replace("\"failures\": []", failure).replace("\"failed\": 0", "\"failed\": 1");
    let second = file("bad-half", &bad);
    let output = sim(&["merge", &first, second.to_str().unwrap()]);
    let text = text_of(&output.stdout);
    assert_eq!(output.status.code(), Some(12), "{text}");
    let expected = "FAILED echo, seed 6: stuck: it waits\n  repeat: sim run echo --seed 6\n8 seeds, 1 failed, ";
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn a_simulation_is_watched() {
    let output = sim(&["watch", "echo", "--seed", "6", "--rt-ratio", "1000"]);
    let text = text_of(&output.stdout);
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
        text_of(&sim(&["list"]).stdout),
        "hello-world\necho\necho-filtered\nprober\ngateway\ncaller\nhello-world-v6\ngateway-v6\n\
         udp-time\nchat\nproxy\ndevice\npublisher\npublisher-3\ngateway-online\n"
    );
}

#[test]
fn a_scenario_is_run_with_the_random_numbers_of_seeds() {
    let text = "about = 'a slow client'\n[[client]]\nbehaviour = 'slow-reader'\n";
    let path = file("slow.toml", text);
    let output = sim(&["run", "echo", "--scenario", path.to_str().unwrap(), "--seeds", "0..5"]);
    assert!(output.status.success(), "{}", text_of(&output.stderr));
}

#[test]
fn a_choice_log_is_replayed() {
    let path = file("choices", "# picoevent-sim choices, application echo\nclient kind 0 reset\n");
    let output = sim(&["replay", path.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text_of(&output.stdout));
    let output = sim(&["shrink", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text_of(&output.stderr).contains("does not fail"), "{}", text_of(&output.stderr));
}

#[test]
fn mistakes_end_with_status_2_and_other_errors_with_1() {
    let problem = |arguments: &[&str]| {
        let output = sim(arguments);
        (output.status.code(), text_of(&output.stderr))
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
    let fault = "[[server-fault]]\nserver = 1\nkind = 'hangs'\nfrom = '1 s'\nlasts = '1 s'\n";
    let path = file("server.toml", fault);
    for command in ["run", "watch"] {
        let arguments = [command, "gateway", "--seed", "1", "--scenario", path.to_str().unwrap()];
        let (status, text) = problem(&arguments);
        let known =
            "line 2, server: there is no server 1; the servers of gateway are 0 (port 7070)";
        assert_eq!((status, text.contains(known)), (Some(1), true), "{text}");
    }
}
