//! Scenarios: the configuration of a simulation as a TOML file. All other choices are made at random from a seed.
//!
//! ```
//! use picoevent_sim::world::Scenario;
//!
//! let scenario: Scenario = r#"
//!     about = "A cable that loses every third frame while a slow client reads"
//!     latency = "5 ms"
//!
//!     [[client]]
//!     behaviour = "slow-reader"
//!     connects-at = "100 ms"
//!
//!     [[fault]]
//!     kind = "loss"
//!     severity = "33 %"
//!     from = "1 s"
//!     lasts = "2 s"
//!     direction = "to-device"
//! "#.parse()?;
//! # let _ = scenario;
//! # Ok::<(), picoevent_sim::world::ScenarioError>(())
//! ```
//!
//! A scenario determines all choices that are made before the simulation begins. If a key is missing, its default is
//! used. Later choices, for example about each frame, are made at random from the seed.
//!
//! A wrong value is an error: the message has the line, the key and the possible values. Whether a server or a size
//! exists depends on the test case, so these values are checked by [`AnyTestCase::accepts`].
//!
//! [`AnyTestCase::accepts`]: crate::world::AnyTestCase::accepts

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::world::choices::choice_log::Choice;

mod file;
mod quantity;
mod reader;

use file::File;

/// A simulation's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// A sentence that describes the scenario.
    pub about: String,
    pub(crate) lines: Vec<Choice>,
    needs: Vec<Place<Need>>,
}

/// The reason why a text is not a scenario, or not a scenario of a test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError(String);

/// Something about a value in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place<T> {
    /// The line of the file, from 1.
    line: usize,
    key: &'static str,
    about: T,
}

/// What a value needs in a simulation. A [`Cable`](crate::world::Cable) has no such limits.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Need {
    /// The test case has a size with this index.
    Size(u64),
    /// The size with this index may get its address from DHCP.
    Dhcp(u64),
    /// The test case has a server with this index.
    Server(u64),
    /// The test case has clients.
    Clients,
    /// A time in microseconds is not later, or longer, than the maximum.
    Time { what: &'static str, micros: u64, max: u64 },
}

/// The properties of a test case that a scenario may depend on.
pub(crate) struct Properties<'c> {
    pub(crate) name: &'c str,
    /// For each size: whether the device may get its address from DHCP.
    pub(crate) sizes: Vec<bool>,
    /// The ports of the servers.
    pub(crate) servers: Vec<u16>,
    pub(crate) has_clients: bool,
}

impl FromStr for Scenario {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        let file: File = toml::from_str(text)
            .map_err(|error| ScenarioError(error.to_string().trim_end().to_owned()))?;
        file.scenario(text).map_err(|problem| problem.error())
    }
}

impl Scenario {
    /// Checks the values whose meaning depends on the test case.
    pub(crate) fn check(&self, case: &Properties<'_>) -> Result<(), ScenarioError> {
        for need in &self.needs {
            let about = need.about.problem(case);
            let problem = about.map(|about| Place { line: need.line, key: need.key, about });
            problem.map_or(Ok(()), |problem| Err(problem.error()))?;
        }
        Ok(())
    }
}

impl Place<String> {
    fn error(&self) -> ScenarioError {
        ScenarioError(format!("line {}, {}: {}", self.line, self.key, self.about))
    }
}

impl Need {
    /// Returns a message if the test case does not have what is needed.
    fn problem(&self, case: &Properties<'_>) -> Option<String> {
        let name = case.name;
        match *self {
            Self::Size(index) if index >= case.sizes.len() as u64 => {
                let last = case.sizes.len().saturating_sub(1);
                Some(format!("there is no size {index}; the sizes of {name} are 0 to {last}"))
            }
            Self::Dhcp(index) if case.sizes.get(index as usize) == Some(&false) => {
                Some(format!("the size {index} of {name} has too many sockets for DHCP"))
            }
            Self::Server(index) if index >= case.servers.len() as u64 => {
                let ports = case.servers.iter().enumerate();
                let known: Vec<_> =
                    ports.map(|(index, port)| format!("{index} (port {port})")).collect();
                let known = match &*known {
                    [] => format!("{name} has no servers"),
                    known => format!("the servers of {name} are {}", known.join(", ")),
                };
                Some(format!("there is no server {index}; {known}"))
            }
            Self::Clients if !case.has_clients => Some(format!("{name} has no TCP clients")),
            Self::Time { what, micros, max } if micros > max => {
                let [time, max] = [micros, max].map(Duration::from_micros);
                Some(format!("{what} {time:?}; the maximum in a simulation is {max:?}"))
            }
            _ => None,
        }
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ScenarioError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        text.parse::<Scenario>().unwrap_err().to_string()
    }

    /// Returns the problem of a scenario for a test case with two sizes, and servers at the ports 7001 and 7002.
    fn problem_of_case(text: &str) -> String {
        let servers = vec![7001, 7002];
        let sizes = vec![true, false];
        let case = Properties { name: "lines", sizes, servers, has_clients: true };
        text.parse::<Scenario>().unwrap().check(&case).unwrap_err().to_string()
    }

    #[test]
    fn a_scenario_is_the_beginning_of_a_choice_log() {
        let text = r#"
            about = "what it is"
            latency = "1.1 ms"
            [[client]]
            [[client]]
            behaviour = "reset"
            after-bytes = 5
            [[fault]]
            kind = "loss"
            severity = "12.5 %"
            from = "2 s"
            lasts = "1 s"
        "#;
        let scenario: Scenario = text.parse().unwrap();
        let lines: Vec<_> = scenario.lines.iter().map(|l| l.to_string().replace(" ", "")).collect();
        let lines: Vec<_> = lines.iter().map(|line| line.split('#').next().unwrap()).collect();
        let expected = [
            "setuplatency-us01000",
            "setupmore-clients01",
            "setupfaults01",
            "clientkind1reset",
            "clientseverity15",
            "faultkind0loss",
            "faultseverity0125",
            "faultstart-us02000000",
            "faultlife-us01000000",
            "setupquiet-after-us01000000",
        ];
        assert_eq!(lines, expected);
    }

    fn server_fault(server: u64, kind: &str) -> String {
        format!(
            "[[server-fault]]\nserver = {server}\nkind = '{kind}'\nfrom = '1 s'\nlasts = '9 s'\n"
        )
    }

    #[test]
    fn server_faults_are_numbered_by_server() {
        let text =
            server_fault(1, "refuses") + &server_fault(0, "hangs") + &server_fault(1, "silent");
        let scenario: Scenario = text.parse().unwrap();
        let lines: Vec<_> = scenario.lines.iter().map(|line| line.to_string()).collect();
        let has = |wanted: &str| lines.iter().any(|line| line.starts_with(wanted));
        assert!(has("server server-faults 0 1 ") && has("server server-faults 1 2 "), "{lines:#?}");
        assert!(has("server kind 0 hangs ") && has("server kind 8 refuses "), "{lines:#?}");
        assert!(
            has("server kind 9 silent ") && has("setup quiet-after-us 0 8000000 "),
            "{lines:#?}"
        );
    }

    #[test]
    fn a_server_and_a_size_that_the_test_case_does_not_have_are_refused() {
        let servers = "the servers of lines are 0 (port 7001), 1 (port 7002)";
        for server in [2, 8, i64::MAX as u64] {
            assert_eq!(
                problem_of_case(&server_fault(server, "hangs")),
                format!("line 2, server: there is no server {server}; {servers}")
            );
        }
        assert_eq!(
            problem_of_case("about = 'x'\nmemory = 2"),
            "line 2, memory: there is no size 2; the sizes of lines are 0 to 1"
        );
        let (sizes, servers) = (vec![true], Vec::new());
        let case = Properties { name: "udp", sizes, servers, has_clients: false };
        let problem =
            |text: &str| text.parse::<Scenario>().unwrap().check(&case).unwrap_err().to_string();
        assert_eq!(
            problem("[[server-fault]]\nkind = 'hangs'\nfrom = '1 s'\nlasts = '1 s'"),
            "line 2, server: there is no server 0; udp has no servers"
        );
        assert_eq!(problem("\n[[client]]"), "line 2, client: udp has no TCP clients");
    }

    #[test]
    fn times_that_a_simulation_does_not_reach_are_refused() {
        let fault = "[[fault]]\nkind = 'clog'\nfrom = '60 s'\nlasts = '3 s'";
        assert_eq!(
            problem_of_case(fault),
            "line 4, lasts: the fault ends at 63s; the maximum in a simulation is 62s"
        );
        let text = problem_of_case("[[fault]]\nkind = 'reboot'\nfrom = '2 min'");
        assert!(text.starts_with("line 3, from: the fault ends at 120s;"), "{text}");
        let text = problem_of_case("[[attack]]\nkind = 'garbage'\nat = '277777777 s'");
        assert!(text.starts_with("line 3, at: the attack begins at 277777777s;"), "{text}");
        let text = problem_of_case("[[client]]\nconnects-at = '61 s'");
        assert!(text.starts_with("line 2, connects-at: the client connects at 61s;"), "{text}");
        let text = problem_of_case("latency = '2 s'");
        assert!(text.starts_with("line 1, latency: the latency is 2s; the maximum"), "{text}");
    }

    #[test]
    fn a_text_that_is_not_a_scenario_is_refused_with_its_line_and_key() {
        assert!(problem("colour = 'red'").contains("unknown field `colour`"));
        let fault = |keys: &str| problem(&format!("[[fault]]\n{keys}\nfrom = '1 s'"));
        let loss = |keys: &str| fault(&format!("kind = 'loss'\nlasts = '1 s'\n{keys}"));
        assert_eq!(
            fault("kind = 'lust'"),
            "line 2, kind: there is no fault \"lust\"; known are none, loss, duplication, \
             reordering, corruption, forgery, jitter, rate, mtu, partition, clog, link-down, \
             address-lost, address-changed, reboot, clock-step"
        );
        assert_eq!(
            loss("severity = '1 s'"),
            "line 4, severity: \"1 s\" is not a share, such as 30 %; the units are %, per mille"
        );
        assert_eq!(loss("severity = '101 %'"), "line 4, severity: \"101 %\" is more than 100 %");
        assert_eq!(loss("severity = '0 %'"), "line 4, severity: \"0 %\" has no effect");
        assert_eq!(loss("severity = '0.01 %'"), "line 4, severity: \"0.01 %\" is too small");
        assert_eq!(loss(""), "line 2, severity: the key is missing; \"loss\" needs it");
        assert_eq!(
            loss("severity = '5 %'\ndirection = 'up'"),
            "line 5, direction: there is no direction \"up\"; known are both, to-device, to-peer"
        );
        assert!(loss("severity = 5").contains("invalid type: integer `5`, expected a string"));
        assert!(loss("severity = '5 %'\nseverity = '6 %'").contains("duplicate key"));
        assert_eq!(fault("kind = 'clog'"), "line 2, lasts: the key is missing; \"clog\" needs it");
        assert!(problem("[[fault]]\nkind = 'clog'").contains("missing field `from`"));
        assert_eq!(fault("kind = 'clog'\nlasts = '0 s'"), "line 3, lasts: \"0 s\" has no effect");
        assert_eq!(
            fault("kind = 'clog'\nlasts = '1 s'\nseverity = '9 %'"),
            "line 4, severity: \"clog\" does not have this key"
        );
        assert_eq!(
            fault("kind = 'reboot'\nlasts = '1 s'"),
            "line 3, lasts: \"reboot\" does not have this key"
        );
        assert_eq!(
            fault("kind = 'link-down'\nlasts = '1 s'\ndirection = 'both'"),
            "line 4, direction: a fault \"link-down\" has no direction"
        );
        assert_eq!(
            fault("kind = 'mtu'\nlasts = '1 s'\nseverity = '1 s'"),
            "line 4, severity: \"1 s\" is not a number of bytes, such as 500 B; the units are \
             B, kB, MB, B/s, kB/s, MB/s"
        );
        assert_eq!(
            fault("kind = 'jitter'\nlasts = '1 s'\nseverity = '61 s'"),
            "line 4, severity: \"61 s\" is more than 60 s"
        );
        assert_eq!(
            fault("kind = 'clock-step'\nseverity = '25 h'"),
            "line 3, severity: \"25 h\" is more than 86400 s"
        );
    }

    #[test]
    fn a_scenario_sets_the_lease_and_the_start_of_the_dhcp_server() {
        let text = "lease = '1 min'\ndhcp-starts-at = '5 s'";
        let scenario: Scenario = text.parse().unwrap();
        let lines: Vec<_> = scenario.lines.iter().map(|line| line.to_string()).collect();
        assert!(lines[0].starts_with("setup lease-s 0 60 "), "{lines:?}");
        assert!(lines[1].starts_with("setup dhcp-start-us 0 5000000 "), "{lines:?}");
        for wrong in ["9 s", "25 h"] {
            assert_eq!(
                problem(&format!("lease = '{wrong}'")),
                format!("line 1, lease: {wrong:?} is not a time from 10 s to 86400 s")
            );
        }
        assert_eq!(
            problem("lease = '1 h'\ndhcp-starts-at = '11 s'"),
            "line 2, dhcp-starts-at: \"11 s\" is more than 10 s"
        );
        assert_eq!(
            problem("dhcp-starts-at = '1 s'"),
            "line 1, dhcp-starts-at: without the key lease, there is no DHCP server"
        );
        assert_eq!(
            problem_of_case("lease = '1 h'\nmemory = 1"),
            "line 1, lease: the size 1 of lines has too many sockets for DHCP"
        );
    }

    #[test]
    fn wrong_values_of_the_other_keys_are_refused() {
        let latency = |latency: &str| problem(&format!("latency = '{latency}'"));
        let units = "the units are us, ms, s, min, h";
        for wrong in ["1 km", "-1 ms", "20", "", "1.2.3 s", "ms", "1e3 s"] {
            assert_eq!(
                latency(wrong),
                format!("line 1, latency: {wrong:?} is not a time, such as 20 ms; {units}")
            );
        }
        assert_eq!(latency("999999999 h"), "line 1, latency: \"999999999 h\" is too large");
        assert_eq!(latency("99 us"), "line 1, latency: \"99 us\" is less than the minimum, 100 us");
        for key in ["memory", "interrupt-at-point"] {
            assert!(problem(&format!("{key} = -1")).contains("invalid value: integer `-1`"));
        }
        let range = "is not a number from -500000 to 999999";
        for drift in [i64::MIN, -500_001, 1_000_000, i64::MAX] {
            assert_eq!(
                problem(&format!("drift-ppm = {drift}")),
                format!("line 1, drift-ppm: {drift} {range}")
            );
        }
        assert_eq!(problem("postpone = '91 %'"), "line 1, postpone: \"91 %\" is more than 90 %");
        assert_eq!(
            problem("[[client]]\nbehaviour = 'frogs'"),
            "line 2, behaviour: there is no behaviour \"frogs\"; known are normal, slow-reader, \
             slow-writer, port-reuse, half-open, reset, zero-window, early-end"
        );
        assert_eq!(
            problem("[[client]]\nafter-bytes = 9"),
            "line 2, after-bytes: only the behaviours half-open and reset have this key"
        );
        assert!(problem("[client]").contains("invalid type: map, expected a sequence"));
        assert_eq!(problem(&"[[client]]\n".repeat(10)), "line 10, client: there are more than 9");
        let attack = "[[attack]]\nkind = 'garbage'\nat = '1 s'\n";
        assert_eq!(problem(&attack.repeat(9)), "line 25, attack: there are more than 8");
        let reboot = "[[fault]]\nkind = 'reboot'\nfrom = '1 s'\n";
        assert_eq!(problem(&reboot.repeat(9)), "line 25, fault: there are more than 8");
        assert!(problem("[[attack]]\nkind = 'frogs'\nat = '1 s'").contains("known are none, syn"));
        assert_eq!(
            problem(&server_fault(3, "hangs").repeat(9)),
            "line 41, server-fault: server 3 has more than 8 server faults"
        );
        assert!(problem(&server_fault(0, "frogs")).contains("known are none, refuses, accepts-l"));
        let bytes = |kind, bytes: u64| server_fault(0, kind) + &format!("bytes = {bytes}\n");
        assert_eq!(
            problem(&bytes("hangs", 5)),
            "line 6, bytes: only resets, ends-early and slow-reader have this key"
        );
        assert_eq!(
            problem(&bytes("slow-reader", 0)),
            "line 6, bytes: 0 is not a number from 1 to 16"
        );
        assert!(problem("[[server-fault]]\nkind = 'hangs'\nfrom = '1 s'").contains("is missing"));
    }
}
