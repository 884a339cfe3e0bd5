//! Tests the program on a host with a DNS server, a time server and a broker that run in the test.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use picoevent_peers::dns::{FORGERIES, Question};
use picoevent_peers::mqtt::Delivery;
use picoevent_peers::ntp;
use picoevent_tests::broker::Broker;
use picoevent_tests::gateway::collector::Collector;
use rustix::process::{Pid, Signal, kill_process};

/// The time limit of a step. The limit only detects a hang.
const LIMIT: Duration = Duration::from_secs(60);

/// 2036-02-08T00:00:00Z: 17 hours after the 32-bit seconds of NTP have wrapped around.
const TIME_OF_DAY: u64 = 2_086_041_600_000_000;

/// A running gateway. Dropping a `Program` kills the gateway.
struct Program {
    process: Child,
    lines: Receiver<String>,
    console: SocketAddr,
}

impl Program {
    fn start(arguments: &[String]) -> Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
        for port in ["--console", "--status", "--discovery"] {
            command.args([port, "127.0.0.1:0"]);
        }
        let mut process = command.args(arguments).stdout(Stdio::piped()).spawn()?;
        let out = BufReader::new(process.stdout.take().context("it has an output")?);
        let (sender, lines) = channel();
        thread::spawn(move || {
            let sent = out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line));
            // If `sent` is an error, the test has ended before the program. Then the remaining lines are not needed.
            drop(sent);
        });
        let mut program = Self { process, lines, console: SocketAddr::from(([0; 4], 0)) };
        program.console = program.line("console on ")?.parse()?;
        Ok(program)
    }

    /// Waits for a line that contains a text. Returns the rest of the line after that text.
    fn line(&self, wanted: &str) -> Result<String> {
        loop {
            let line = self.lines.recv_timeout(LIMIT).with_context(|| format!("no {wanted:?}"))?;
            if let Some((_, rest)) = line.split_once(wanted) {
                return Ok(rest.to_owned());
            }
        }
    }

    /// Sends a command to the console. Returns the console's answer.
    fn request(&self, command: &str) -> Result<String> {
        let mut console = TcpStream::connect(self.console)?;
        console.set_read_timeout(Some(LIMIT))?;
        writeln!(console, "{command}")?;
        let mut line = String::new();
        BufReader::new(console).read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    fn interrupt(&self) -> Result<()> {
        Ok(kill_process(Pid::from_child(&self.process), Signal::INT)?)
    }

    fn end(mut self) -> Result<()> {
        self.interrupt()?;
        let status = self.process.wait()?;
        ensure!(status.success(), "it ended with {status}");
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a UDP server, whose thread ends with the process. Returns the server's address.
fn serve(mut answer: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Result<SocketAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = socket.local_addr()?;
    thread::spawn(move || {
        let mut buffer = [0; 1_024];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            for answer in answer(&buffer[..length]) {
                // The gateway may have ended.
                let _ = socket.send_to(&answer, from);
            }
        }
    });
    Ok(address)
}

/// Starts a DNS server for the names that end in `.test`. The server sends forged answers before the correct answer.
fn name_server() -> Result<SocketAddr> {
    serve(|bytes| {
        let Some(question) = Question::read(bytes) else { return Vec::new() };
        let forged =
            FORGERIES.iter().map(|(_, forge)| forge(&question, Ipv4Addr::new(127, 0, 0, 66)));
        let correct = match question.name.to_ascii_lowercase().ends_with(".test") {
            true => question.addresses(60, &[Ipv4Addr::LOCALHOST]),
            false => question.no_such_name(60),
        };
        forged.chain([correct]).collect()
    })
}

fn arguments(pairs: &[(&str, String)]) -> Vec<String> {
    pairs.iter().flat_map(|(option, value)| [(*option).to_owned(), value.clone()]).collect()
}

/// Checks the text of a sample. Returns the sample's number.
fn sample(delivery: &Delivery) -> Result<u32> {
    let text = std::str::from_utf8(&delivery.payload)?;
    let rest = text.strip_prefix("{\"number\":").with_context(|| text.to_owned())?;
    let (number, rest) = rest.split_once(',').with_context(|| text.to_owned())?;
    let has_all = ["\"micros\":", "\"temp\":2", "\"forced\":"].iter().all(|key| rest.contains(key));
    ensure!(has_all && rest.ends_with('}'), "{text}");
    Ok(number.parse()?)
}

#[test]
fn collector_and_broker_are_found_by_name() -> Result<()> {
    let (broker, collector, names) = (Broker::start()?, Collector::start()?, name_server()?);
    let program = Program::start(&arguments(&[
        ("--name-server", names.to_string()),
        ("--collector", format!("collector.test:{}", collector.address().port())),
        ("--broker", format!("broker.test:{}", broker.address().port())),
        ("--name", "pump-7".to_owned()),
    ]))?;
    collector.wait_for("sample", LIMIT, |record| record.samples.len() > 5)?;
    broker.wait_for("samples", LIMIT, |model| {
        model.subscription() == Some("pump-7/set/+")
            && model.retained("pump-7/state") == Some(b"online")
            && model.deliveries().iter().filter(|held| held.topic == "pump-7/sample").count() > 5
    })?;
    // The broker sends a value, and the console then returns it.
    broker.publish("pump-7/set/colour", b"red");
    broker.wait_for("acknowledgement", LIMIT, |model| model.unacknowledged() == 0)?;
    ensure!(program.request("get colour")? == "red");
    program.end()?;
    broker.wait_for("goodbye", LIMIT, |model| !model.is_up() && model.wills == 0)?;
    broker.wait_for("state", LIMIT, |model| model.retained("pump-7/state") == Some(b"gone"))?;
    let mut numbers = Vec::new();
    broker.wait_for("order", LIMIT, |model| {
        let samples = model.deliveries().iter().filter(|held| held.topic.ends_with("/sample"));
        numbers = samples.map(sample).collect();
        true
    })?;
    let numbers = numbers.into_iter().collect::<Result<Vec<_>>>()?;
    ensure!(numbers.first() == Some(&0) && numbers.is_sorted_by(|one, next| one + 1 == *next));
    Ok(())
}

#[test]
fn a_lost_connection_publishes_the_will_and_a_new_one_the_state() -> Result<()> {
    let broker = Broker::start()?;
    let program = Program::start(&arguments(&[("--broker", broker.address().to_string())]))?;
    for wills in 0..3 {
        broker.wait_for("state", LIMIT, |model| {
            model.is_up()
                && model.wills == wills
                && model.retained("gateway/state") == Some(b"online")
        })?;
        broker.hang_up();
        broker.wait_for("will", LIMIT, |model| model.wills == wills + 1)?;
    }
    // A killed program sends no DISCONNECT.
    broker.wait_for("client", LIMIT, |model| model.is_up() && model.wills == 3)?;
    drop(program);
    broker.wait_for("will", LIMIT, |model| {
        model.wills == 4 && model.retained("gateway/state") == Some(b"gone")
    })
}

#[test]
fn log_lines_have_the_time_of_day_after_the_clock_is_set() -> Result<()> {
    let server = serve(|bytes| {
        let sent = TIME_OF_DAY + 1_000;
        let mut wrong = ntp::answer(bytes, TIME_OF_DAY, sent);
        ntp::AnswerError::Origin.apply(&mut wrong);
        vec![wrong, ntp::answer(bytes, TIME_OF_DAY, sent)]
    })?;
    let program = Program::start(&arguments(&[("--time-server", server.to_string())]))?;
    let line = loop {
        let line = program.lines.recv_timeout(LIMIT)?;
        if line.ends_with("the clock is set") {
            break line;
        }
    };
    ensure!(line.starts_with("2036-02-08T00:0"), "{line}");
    program.interrupt()?;
    let time = program.lines.recv_timeout(LIMIT)?;
    ensure!(time.starts_with("2036-02-08T00:0") && time.ends_with("Z the gateway ends"), "{time}");
    program.end()
}

#[test]
fn unknown_names_are_looked_up_again() -> Result<()> {
    let (collector, mut queries) = (Collector::start()?, 0);
    let names = serve(move |bytes| {
        let Some(question) = Question::read(bytes) else { return Vec::new() };
        queries += 1;
        // Each look-up queries both address families.
        match queries {
            0..=2 => vec![question.no_such_name(0)],
            3..=4 => vec![question.failed()],
            _ => vec![question.addresses(60, &[Ipv4Addr::LOCALHOST])],
        }
    })?;
    let program = Program::start(&arguments(&[
        ("--name-server", names.to_string()),
        ("--collector", format!("collector.example:{}", collector.address().port())),
    ]))?;
    program.line("the uplink is down")?;
    program.line("the uplink is up")?;
    collector.wait_for("sample", LIMIT, |record| !record.samples.is_empty())?;
    program.end()
}

#[test]
fn the_error_for_a_wrong_argument_contains_the_argument() -> Result<()> {
    for (arguments, expected) in [
        (["--broker", "broker"], "--broker: \"broker\" is not HOST:PORT"),
        (["--broker", "a b:1"], "--broker: \"a b:1\" is not HOST:PORT"),
        (["--collector", "a.example:65536"], "--collector: \"a.example:65536\" is not"),
        (["--name", "a.b"], "--name: \"a.b\" is not a word"),
        (["--name", "a-name-that-is-longer-than-32-bytes"], "is not a word"),
        (["--time-server", "1.2.3.4.:x"], "is neither ADDR:PORT nor a name"),
        (["--name-server", "dns.example:53"], "--name-server: \"dns.example:53\" is not ADDR:PORT"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_gateway")).args(arguments).output()?;
        let error = String::from_utf8(output.stderr)?;
        if output.status.success() || !error.contains(expected) {
            bail!("{arguments:?}: {error}");
        }
    }
    Ok(())
}
