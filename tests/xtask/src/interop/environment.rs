//! Code that all tests of `cargo xtask interop` share: starting the example `device`, the folders of the tested
//! programs, and a strict HTTP client.

use std::{
    cell::OnceCell,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{command, process::ControlledProcess, workspace};

/// The time limit of the process of `device`.
const PROCESS_LIMIT: Duration = Duration::from_secs(300);
/// The time within which the device must have freed all its connections.
const RELEASE_LIMIT: Duration = Duration::from_secs(10);

/// The folder of installed programs, and the device's program.
pub(super) struct Environment {
    folder: PathBuf,
    device: OnceCell<PathBuf>,
}

impl Environment {
    /// Makes the folder.
    pub(super) fn new() -> Result<Self> {
        let folder = workspace::target().join("interop");
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self { folder, device: OnceCell::new() })
    }

    /// Makes a separate folder for a program. Returns the path of the folder.
    pub(super) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(folder)
    }

    /// Starts the device on a free port.
    pub(super) fn device(&self) -> Result<Device> {
        let program = match self.device.get() {
            Some(program) => program,
            None => {
                let mut cargo = command::cargo(&workspace::root());
                cargo.args(["build", "--quiet", "--release", "--package", "device"]);
                let built = command::build_one(&mut cargo)?;
                self.device.get_or_init(|| built)
            }
        };
        let mut device = Command::new(program);
        let mut process =
            ControlledProcess::start(device.args(["--listen", "127.0.0.1:0"]), PROCESS_LIMIT)?;
        let line = process.line()?;
        let address = line.strip_prefix("listening on ").and_then(|address| address.parse().ok());
        let address =
            address.with_context(|| format!("the first line of the device is {line:?}"))?;
        Ok(Device { program: process, address })
    }

    /// Installs npm packages that are missing. Returns the folder of the packages.
    pub(super) fn npm(&self, packages: &[&str]) -> Result<PathBuf> {
        let folder = self.folder("node")?;
        let is_installed = |name: &&&str| folder.join("node_modules").join(name).exists();
        if packages.iter().filter(is_installed).count() < packages.len() {
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(&folder);
            command::run(npm.args(packages))?;
        }
        Ok(folder)
    }

    /// Installs a PyPI package if it is missing. Returns the folder of the package.
    pub(super) fn pip(&self, package: &str) -> Result<PathBuf> {
        let folder = self.folder("python")?;
        if !folder.join(package).exists() {
            let mut pip = Command::new("python3");
            pip.args(["-m", "pip", "install", "--quiet", "--target"]).arg(&folder).arg(package);
            command::run(&mut pip)?;
        }
        Ok(folder)
    }
}

/// Returns the path of a script in the source folder of this command.
pub(super) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/interop").join(name)
}

/// Prints the command line of a program, runs the program, and returns its output.
///
/// # Errors
/// If the program fails, or takes longer than `limit`.
pub(super) fn run_program(program: &mut Command, limit: Duration) -> Result<String> {
    println!("$ {}", command::describe(program));
    command::capture(program, limit)
}

/// Returns the first number after a label in a program's output.
pub(super) fn figure(output: &str, label: &str) -> Result<f64> {
    let number = |line: &str| {
        let (_, rest) = line.split_once(label)?;
        let is_part = |letter: char| letter.is_ascii_digit() || letter == '.';
        let begin = rest.find(|letter: char| letter.is_ascii_digit())?;
        let end = rest[begin..].find(|letter| !is_part(letter)).unwrap_or(rest.len() - begin);
        rest[begin..begin + end].trim_end_matches('.').parse().ok()
    };
    let found = output.lines().find_map(number);
    found.with_context(|| format!("there is no {label:?} with a number in\n{output}"))
}

/// A running device.
pub(super) struct Device {
    program: ControlledProcess,
    pub(super) address: SocketAddr,
}

impl Device {
    /// Returns the URL of a path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a GET request. Returns the answer's head and content. The answer must arrive within `limit`.
    pub(super) fn get(&self, path: &str, limit: Duration) -> Result<String> {
        let deadline = Instant::now() + limit;
        let left = || {
            let left = deadline.saturating_duration_since(Instant::now());
            ensure!(!left.is_zero(), "there was no answer within {} ms", limit.as_millis());
            Ok(left)
        };
        let mut stream = TcpStream::connect_timeout(&self.address, limit)?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: device\r\nConnection: close\r\n\r\n");
        stream.set_write_timeout(Some(left()?))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        let mut chunk = [0; 4_096];
        loop {
            stream.set_read_timeout(Some(left()?))?;
            match stream.read(&mut chunk)? {
                0 => break,
                length => answer.extend_from_slice(&chunk[..length]),
            }
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Checks that the device frees all its connections in time, and ends the device. Returns the highest number of
    /// connections that the device had at once.
    ///
    /// # Errors
    /// If a connection is not freed, or the device does not answer or end.
    pub(super) fn end(mut self) -> Result<u64> {
        let began = Instant::now();
        loop {
            let last = match self.get("/metrics", Duration::from_secs(1)) {
                Ok(answer) => {
                    let held = figure(&answer, "picoevent_connections ");
                    if held.is_ok_and(|held| held <= 1.0) {
                        let most = figure(&answer, "picoevent_connections_peak ")?;
                        let pid = self.program.process().pid().to_string();
                        command::capture(Command::new("kill").args(["-INT", &pid]), PROCESS_LIMIT)?;
                        self.program.end_within(Duration::from_secs(5))?;
                        return Ok(most as u64);
                    }
                    answer
                }
                Err(error) => error.to_string(),
            };
            if began.elapsed() > RELEASE_LIMIT {
                bail!("connections are still held after {} s: {last}", RELEASE_LIMIT.as_secs());
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_follows_its_label() {
        let output =
            "# TYPE Requests gauge\nRequests:  12\nRequests/sec:   3456.78\nfailed 0 of 9.\n";
        assert_eq!(figure(output, "Requests/sec:").unwrap(), 3456.78);
        assert_eq!(figure(output, "failed").unwrap(), 0.0);
        assert_eq!(figure(output, "of").unwrap(), 9.0);
        assert_eq!(figure(output, "Requests").unwrap(), 12.0);
        assert!(figure(output, "Errors").is_err());
    }
}
