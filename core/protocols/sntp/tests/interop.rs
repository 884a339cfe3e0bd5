//! Tests of the client against chrony and ntpsec. Without `cargo xtask interop`, these tests are ignored. This command
//! runs the tests and prints which programs they need.

use fastrand as _;
use picoevent_scripted as _;
use time as _;

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use picoevent::{Cx, EventBase, EventMut};
use picoevent_mio::{Capacities, HeapStorage, Live};
use picoevent_sntp::{self as sntp, Client, HasClock, SyncError, Synced};

/// The time limit for a server to become synchronized.
const LIMIT: Duration = Duration::from_secs(120);

/// A running program. It ends when this value is dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // The program may already have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(command: &mut Command) -> Program {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Program(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
}

/// An application with a clock.
struct App {
    clock: Client,
    server: SocketAddr,
    synced: Vec<Synced>,
    errors: Vec<SyncError>,
}

impl HasClock for App {
    fn clock(&mut self) -> &mut Client {
        &mut self.clock
    }

    fn synced(&mut self, cx: &mut Cx<Self>, result: Result<Synced, SyncError>) {
        match result {
            Ok(synced) => {
                let error = self.clock.wall(cx.now()).unwrap().error();
                let system = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
                let ours = Duration::from_micros(self.clock.wall(cx.now()).unwrap().unix_micros());
                let offset = ours.abs_diff(system);
                eprintln!("off by {offset:?}, at most by {error:?}, after {:?}", synced.round_trip);
                // The server uses the host's clock. The limit is the maximum error plus 50 ms, because time passes
                // between the answer and this check.
                assert!(offset <= error + Duration::from_millis(50), "{offset:?} of {error:?}");
                self.synced.push(synced);
                match self.synced.len() {
                    1 => self.begin(cx),
                    _ => cx.exit(),
                }
            }
            Err(error) => self.errors.push(error),
        }
    }
}

impl App {
    fn begin(&mut self, cx: &mut Cx<Self>) {
        self.clock.set_servers(&[self.server]);
        sntp::start(self, cx, Duration::from_secs(15)).unwrap();
    }

    /// Restarts the client until it has received a time. Without the restarts, the client would send requests less and
    /// less often to a server that is not synchronized yet.
    fn restart(&mut self, event: &mut EventMut<Self>) {
        if self.synced.is_empty() {
            self.begin(event.cx());
        }
    }
}

/// Gets the time from a server twice.
fn get_time_twice(server: SocketAddr) {
    let capacities = Capacities { events: 3, bytes: 4_096, udp: 2, ..Capacities::default() };
    let mut storage = HeapStorage::new(capacities).unwrap();
    let mut base = EventBase::over(storage.memory());
    let mut live = Live::new().unwrap();
    picoevent_mio::seed(&mut base).unwrap();
    base.after(LIMIT, |app: &mut App, _| {
        panic!("the client has received no time; errors: {:?}", app.errors)
    })
    .unwrap();
    base.every(Duration::from_secs(3), App::restart).unwrap();
    let mut app = App { clock: Client::new(), server, synced: Vec::new(), errors: Vec::new() };
    app.begin(&mut base);
    live.run(&mut base, &mut app).unwrap();
    live.close(&mut base).unwrap();
    assert!(app.synced[0].step.is_none() && app.synced[1].step.is_some());
    eprintln!("errors before the time was received: {:?}", app.errors);
}

#[test]
#[ignore = "needs chrony"]
fn chrony_sets_the_clock() {
    // The system does not assign the port of a closed socket again at once, so the server can use this port.
    let server = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = std::env::temp_dir().join(format!("picoevent-chrony-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let settings = folder.join("settings");
    let text = format!(
        "local stratum 5\nallow 127.0.0.1\nbindaddress 127.0.0.1\nport {}\ncmdport 0\npidfile {}\n",
        server.port(),
        folder.join("pid").display()
    );
    fs::write(&settings, text).unwrap();
    // With `-x` chronyd does not change the host's clock.
    let chrony =
        start(Command::new("chronyd").args(["-d", "-x", "-u", "root", "-f"]).arg(&settings));
    get_time_twice(server);
    drop(chrony);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
#[ignore = "needs ntpsec and root"]
fn ntpsec_sets_the_clock() {
    // The port of ntpsec is fixed, so ntpsec runs in a separate network namespace. The test starts a second process of
    // the test program in this namespace.
    const IN_NAMESPACE: &str = "PICOEVENT_INTEROP_INSIDE";
    if std::env::var_os(IN_NAMESPACE).is_none() {
        let namespace = format!("pico-ntp-{}", std::process::id());
        let ip = |arguments: &str| {
            let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
            assert!(status.success(), "ip {arguments}: are you root?");
        };
        ip(&format!("netns add {namespace}"));
        ip(&format!("-n {namespace} link set lo up"));
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &namespace]).arg(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture", "ntpsec_sets_the_clock"]);
        let status = command.env(IN_NAMESPACE, "1").status().unwrap();
        ip(&format!("netns delete {namespace}"));
        assert!(status.success(), "the test has failed in its namespace");
        return;
    }
    let folder = std::env::temp_dir().join(format!("picoevent-ntpsec-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let settings = folder.join("settings");
    fs::write(
        &settings,
        "refclock local stratum 3\ntos minclock 1 minsane 1 orphan 5 orphanwait 1\n",
    )
    .unwrap();
    let program = std::env::var("PICOEVENT_INTEROP")
        .map_or("ntpd".to_owned(), |folder| format!("{folder}/ntpsec/usr/sbin/ntpd"));
    let ntpd = start(Command::new(program).args(["-n", "-x", "-c"]).arg(&settings));
    get_time_twice("127.0.0.1:123".parse().unwrap());
    drop(ntpd);
    fs::remove_dir_all(folder).unwrap();
}
