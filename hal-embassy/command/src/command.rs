//! Runs other programs with a time limit, and prints their command lines.
//!
//! Each command that a user should see is printed before it runs, in a form that can be pasted into a shell. So a
//! user can repeat a failure without this program.

use std::{
    borrow::Cow,
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Output, Stdio},
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use crate::process::{Process, read_in_background};

/// Prepares a `cargo` command that runs in `folder`, with the same Rust toolchain as this program.
///
/// Removes the environment variables that `cargo run` sets for this program: these variables describe this program's
/// package, not the package in `folder`.
pub fn cargo(folder: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(folder);
    for (name, _) in env::vars_os() {
        if is_set_by_cargo_run(&name) {
            command.env_remove(name);
        }
    }
    command
}

fn is_set_by_cargo_run(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    matches!(&*name, "CARGO" | "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE")
        || name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_MANIFEST_")
}

/// Prints `command`, then runs it. The command's output goes to this program's output.
///
/// # Errors
/// If the command cannot be started or fails. If the command fails, the error shows the command line, so that a user
/// can paste it into a shell.
pub fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", describe(command));
    let status = command.status().with_context(|| cannot_start(command))?;
    check(command, status)
}

/// Returns an error with the command if `status` is a failure.
pub fn check(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    bail!("the command failed ({status}):\n  {}", describe(command))
}

/// Prints and runs `cargo`, which must be a `cargo build` command. Returns the paths of the programs that
/// cargo has built.
///
/// # Errors
/// If the command cannot be started or fails. If the command fails, the error shows the command line, so that a user
/// can paste it into a shell.
pub fn build(cargo: &mut Command) -> Result<Vec<PathBuf>> {
    println!("$ {}", describe(cargo));
    cargo.arg("--message-format=json-render-diagnostics");
    let output = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| cannot_start(cargo))?;
    check(cargo, output.status)?;
    Ok(executables(&String::from_utf8_lossy(&output.stdout)))
}

/// Prints and runs `cargo` like [`build`], for one program.
///
/// # Errors
/// The errors of [`build`], or an error if cargo does not report the program.
pub fn build_one(cargo: &mut Command) -> Result<PathBuf> {
    let built = build(cargo)?.into_iter().next();
    built.with_context(|| format!("cargo did not report the program of: {}", describe(cargo)))
}

/// Returns the paths of the programs in cargo's messages, one JSON object per line.
fn executables(messages: &str) -> Vec<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let artifacts = messages.filter(|message| message["reason"] == "compiler-artifact");
    artifacts.filter_map(|artifact| artifact["executable"].as_str().map(PathBuf::from)).collect()
}

/// Returns the error context for a failed start of `command`.
pub fn cannot_start(command: &Command) -> String {
    format!("cannot start {}", command.get_program().display())
}

/// Runs `command` without a time limit. Returns its standard output.
///
/// # Errors
/// If `command` cannot be started or fails; the error contains the command line and the error output of `command`.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| cannot_start(command))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    check(command, output.status).with_context(|| stderr.trim().to_owned())?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `command` without showing its output. Returns the output, standard output first.
///
/// # Errors
/// * If the command cannot be started.
/// * If the command fails. The error is the line of the output that gives the reason.
/// * If the command has not ended after `limit`. In this case the command is killed.
pub fn capture(command: &mut Command, limit: Duration) -> Result<String> {
    let Output { status, stdout, stderr } = run_to_end(command, limit)?;
    let output = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    if !status.success() {
        bail!("{}", reason(&output));
    }
    Ok(output)
}

/// The time limit for a short query to a program. For example, rustup may hang if it cannot reach its server.
pub const QUERY_LIMIT: Duration = Duration::from_secs(60);

/// Runs `command` and returns the first line of its output, such as a version.
///
/// # Errors
/// The errors of [`capture`].
pub fn first_line(command: &mut Command) -> Result<String> {
    let output = capture(command, QUERY_LIMIT)?;
    Ok(output.lines().next().unwrap_or_default().trim().to_owned())
}

/// Runs `command` to its end, whether or not the command succeeds. Returns the command's status and output.
///
/// # Errors
/// If `command` cannot be started, or has not ended after `limit`. In the second case `command` is killed.
pub fn run_to_end(command: &mut Command, limit: Duration) -> Result<Output> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let process = Process::spawn(command, None)?;
    let pipes = (
        read_in_background(process.child().take_stdout()),
        read_in_background(process.child().take_stderr()),
    );
    let timed_out = || format!("it has not ended within {} s", limit.as_secs());
    let status = process.wait(limit)?.with_context(timed_out)?;
    let read = |pipe: JoinHandle<_>| pipe.join().map_err(|_| anyhow!("cannot read its output"));
    Ok(Output { status, stdout: read(pipes.0)?, stderr: read(pipes.1)? })
}

/// Returns the line of a failed program's output that gives the reason: the last line that starts with `error`. If
/// there is no such line, returns the last line. If the output is empty, returns a fixed text.
fn reason(output: &str) -> &str {
    let mut lines = output.lines().map(str::trim).filter(|line| !line.is_empty());
    // A backtrace may follow the error.
    let error = lines.clone().rfind(|line| line.starts_with("error"));
    error.or(lines.next_back()).unwrap_or("it failed and printed nothing")
}

/// Looks for `program` in the folders of the PATH. Returns its path, or `None` if no folder contains it.
pub fn find_program(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Formats `command` as a line for a shell: folder, variables, program, arguments.
pub fn describe(command: &Command) -> String {
    let mut words = Vec::new();
    if let Some(folder) = command.get_current_dir() {
        words.push(format!("cd {} &&", quote(&folder.to_string_lossy())));
    }
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            words.push(assignment(&name.to_string_lossy(), &value.to_string_lossy()));
        }
    }
    words.push(quote(&command.get_program().to_string_lossy()).into_owned());
    words.extend(command.get_args().map(|word| quote(&word.to_string_lossy()).into_owned()));
    words.join(" ")
}

/// Formats one variable. For a PATH with folders added in front, shows these folders and `$PATH`.
fn assignment(name: &str, value: &str) -> String {
    let own = env::var("PATH").unwrap_or_default();
    match value.strip_suffix(&own) {
        Some(front) if name == "PATH" && !own.is_empty() => format!("PATH={front}\"$PATH\""),
        _ => format!("{name}={}", quote(value)),
    }
}

fn quote(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[test]
    fn a_command_is_described_so_that_it_can_be_pasted() {
        let mut command = Command::new("cargo");
        command.current_dir("/a b").env("RUSTDOCFLAGS", "-D warnings").args(["doc", "it's"]);
        let expected = r"cd '/a b' && RUSTDOCFLAGS='-D warnings' cargo doc 'it'\''s'";
        assert_eq!(describe(&command), expected);
    }

    #[test]
    fn the_paths_of_executables_are_read_from_cargos_messages() {
        let messages = r#"
            {"reason":"compiler-artifact","target":{"name":"core"},"executable":null}
            a line of a build script
            {"reason":"compiler-artifact","target":{"name":"echo"},"executable":"/t/release/echo"}
            {"reason":"build-finished","success":true}
        "#;
        let messages: Vec<_> = messages.lines().map(str::trim).collect();
        assert_eq!(executables(&messages.join("\n")), [PathBuf::from("/t/release/echo")]);
    }

    #[test]
    fn a_path_with_a_folder_in_front_is_shown_as_that_folder() {
        let path = format!("/usr/bin:{}", env::var("PATH").unwrap());
        let mut command = Command::new("cargo");
        command.env("PATH", path);
        assert_eq!(describe(&command), "PATH=/usr/bin:\"$PATH\" cargo");
    }

    #[test]
    fn the_error_of_a_failed_command_is_the_line_with_the_reason() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; echo >&2; exit 3"]);
        assert_eq!(capture(&mut command, LIMIT).unwrap_err().to_string(), "two");
        assert_eq!(reason("info: x\nerror: no network\n  1: main\n"), "error: no network");
        assert_eq!(reason(" \n"), "it failed and printed nothing");
    }

    #[test]
    fn a_long_output_is_read_to_its_end() {
        let mut command = Command::new("sh");
        command.args(["-c", "head -c 300000 /dev/zero; echo end"]);
        assert!(capture(&mut command, LIMIT).unwrap().ends_with("end\n"));
    }

    #[test]
    fn a_command_that_hangs_is_killed() {
        let mut command = Command::new("sleep");
        let error = capture(command.arg("1000"), Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().starts_with("it has not ended within"), "{error}");
    }

    #[test]
    fn the_error_for_a_missing_program_contains_its_name() {
        let error = capture(&mut Command::new("no-such-program"), LIMIT).unwrap_err();
        assert_eq!(error.to_string(), "cannot start no-such-program");
        assert_eq!(find_program("no-such-program"), None);
        assert!(find_program("sh").is_some());
    }
}
