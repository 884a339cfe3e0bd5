//! Tests of the client on real sockets, with mosquitto, rumqttd and aedes. `cargo xtask interop` runs them, and prints
//! which programs they need.

use critical_section as _;
use fastrand as _;
use mqtt_protocol_core as _;

use std::collections::HashMap;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use picoevent::{Backoff, Cx, EventBase, EventMut, Pool, Storage};
use picoevent_mio::Live;
use picoevent_mqtt::{
    self as mqtt, Client, ClientMut, Down, HasMqtt, Message, MqttEvent, Options, Publish,
    PublishError, Qos, Reason, Subscription, Version,
};

/// A mosquitto process in a separate folder. The process ends when this value is dropped.
struct Mosquitto {
    folder: PathBuf,
    address: SocketAddr,
    process: Option<Child>,
}

impl Mosquitto {
    /// Starts mosquitto with a free port and additional settings.
    fn new(name: &str, more: &str) -> Self {
        let address = free_address();
        let folder = std::env::temp_dir().join(format!("picoevent-{name}-{}", address.port()));
        fs::create_dir(&folder).unwrap();
        let settings = format!(
            "user root\nlistener {} 127.0.0.1\npersistence true\npersistence_location {}/\n\
             max_inflight_messages 12\nmax_queued_messages 100000\nset_tcp_nodelay true\n{more}\n",
            address.port(),
            folder.display()
        );
        fs::write(folder.join("settings"), settings).unwrap();
        let mut mosquitto = Self { folder, address, process: None };
        mosquitto.start();
        mosquitto
    }

    fn start(&mut self) {
        let mut command = Command::new("mosquitto");
        command.arg("-c").arg(self.folder.join("settings"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(command.spawn().expect("install mosquitto"));
    }

    /// Ends mosquitto. Mosquitto then writes its sessions into its folder.
    fn end(&mut self) {
        if let Some(mut process) = self.process.take() {
            let id = process.id().to_string();
            // The signal is repeated, because mosquitto 2.0.11 ignores a signal that arrives before its loop runs.
            while process.try_wait().unwrap().is_none() {
                let _ = Command::new("kill").args(["-TERM", &id]).status().unwrap();
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
        // A failed test must not panic a second time here.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The process of another broker. The process ends when this value is dropped.
struct Broker(Child);

impl Broker {
    /// Starts a broker, and waits until it accepts connections.
    fn start(command: &mut Command, address: SocketAddr) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let broker = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let broker = Self(broker);
        let end = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < end, "{command:?} does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        broker
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Returns the path of a file that `cargo xtask interop` has installed.
fn installed(path: &str) -> PathBuf {
    let folder =
        std::env::var("PICOEVENT_INTEROP").expect("run this test with `cargo xtask interop`");
    PathBuf::from(folder).join(path)
}

/// Returns an address with a port that is free at the moment.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A client that publishes to itself.
struct App {
    mqtt: Client<App, 12, 4_000, 4>,
    version: Version,
    user: Option<(&'static str, &'static [u8])>,
    broker: SocketAddr,
    mosquitto: Option<Mosquitto>,
    /// The number of messages to publish.
    total: u32,
    /// The number of messages that were published.
    published: u32,
    /// The numbers of the unacknowledged messages, by their identifier.
    unacknowledged: HashMap<u16, u32>,
    subscription: Option<mqtt::PacketId>,
    /// The numbers of the acknowledged messages.
    acked: Vec<u32>,
    /// The numbers of the lost messages.
    lost: Vec<u32>,
    /// The number of deliveries of each message.
    deliveries: HashMap<u32, u32>,
    partial: Vec<u8>,
    downs: Vec<Down>,
    restarts: u32,
    deadline: Instant,
    stop_at_end: bool,
    max_outstanding: u32,
}

/// The largest number of messages that were published but have not come back.
const MAX_OUTSTANDING: u32 = 8;

type AppStorage = Storage<App, 4, 1, 40_960, 0, 1>;

impl App {
    fn new(version: Version, broker: SocketAddr, total: u32) -> Self {
        let mut mqtt = Client::new();
        mqtt.set_backoff(Backoff::new(Duration::from_millis(20), Duration::from_millis(200)));
        Self {
            mqtt,
            version,
            user: None,
            broker,
            mosquitto: None,
            total,
            published: 0,
            unacknowledged: HashMap::new(),
            subscription: None,
            acked: Vec::new(),
            lost: Vec::new(),
            deliveries: HashMap::new(),
            partial: Vec::new(),
            downs: Vec::new(),
            restarts: 0,
            deadline: Instant::now() + Duration::from_secs(30),
            stop_at_end: true,
            max_outstanding: MAX_OUTSTANDING,
        }
    }

    /// Runs the loop until the client has stopped.
    fn run(&mut self) {
        let mut storage = Box::new(AppStorage::new());
        let mut base = EventBase::new(&mut storage);
        // A message of 3,000 bytes does not fit into the input ring, so it arrives in chunks.
        let pool = base.add_pool(Pool::new(1).rings(2_048, 16_384)).unwrap();
        mqtt::start(self, &mut base, pool).unwrap();
        let all = Subscription::new("test/+", Qos::Two, Self::receive);
        self.subscription = Some(mqtt::subscribe(self, &mut base, &all).unwrap());
        base.every(Duration::from_millis(2), Self::tick).unwrap();
        let mut live = Live::new().unwrap();
        live.run(&mut base, self).unwrap();
    }

    fn tick(&mut self, event: &mut EventMut<Self>) {
        let is_done = self.published == self.total && self.unacknowledged.is_empty();
        let all_delivered = self.deliveries.len() as u32 + self.lost.len() as u32 >= self.published;
        assert!(
            Instant::now() < self.deadline,
            "{} of {} messages delivered before the deadline",
            self.deliveries.len(),
            self.published
        );
        if is_done && all_delivered && std::mem::take(&mut self.stop_at_end) {
            mqtt::stop(self, event.cx());
        }
        self.publish(event.cx());
    }

    /// Publishes messages until all messages are published, or until the client or `max_outstanding` allows no more
    /// messages.
    fn publish(&mut self, cx: &mut Cx<Self>) {
        // The number of messages that have not come back is limited, because mosquitto 2.0.11 does not always
        // send all queued messages.
        while self.published < self.total
            && self.mqtt().is_up()
            && self.subscription.is_none()
            && self.published
                < self.deliveries.len() as u32 + self.lost.len() as u32 + self.max_outstanding
        {
            let number = self.published;
            let qos = [Qos::One, Qos::Two][(number % 2) as usize];
            let length = if number % 50 == 7 { 3_000 } else { number as usize % 100 };
            let payload = [&number.to_be_bytes()[..], &vec![number as u8; length]].concat();
            let topic = format!("test/{}", number % 6);
            let message =
                Publish { user: &[("a", "b")], ..Publish::new(&topic, &payload).qos(qos) };
            match mqtt::publish(self, cx, &message) {
                Ok(id) => {
                    assert!(self.unacknowledged.insert(id.unwrap().number(), number).is_none())
                }
                Err(PublishError::Full) => return,
                Err(error) => panic!("{error}"),
            }
            self.published += 1;
            if self.mosquitto.is_some() {
                // Publish only one message per call, so that the broker restarts before all messages are published.
                return;
            }
        }
    }

    fn receive(&mut self, message: &mut Message<Self>) {
        if message.is_first() {
            assert!(message.topic().starts_with("test/"));
            self.partial.clear();
        }
        self.partial.extend(message.payload());
        if message.is_last() {
            let number = u32::from_be_bytes(self.partial[..4].try_into().unwrap());
            assert!(self.partial[4..].iter().all(|byte| *byte == number as u8));
            *self.deliveries.entry(number).or_default() += 1;
        }
    }

    /// Restarts the broker from time to time.
    fn restart(&mut self, event: &mut EventMut<Self>) {
        if let Some(mosquitto) = &mut self.mosquitto
            && self.stop_at_end
        {
            mosquitto.end();
            mosquitto.start();
            self.restarts += 1;
            event.after(Duration::from_millis(900), Self::restart).unwrap();
        }
    }

    fn check(&self) {
        assert_eq!(self.acked.len() + self.lost.len(), self.total as usize);
        for number in &self.acked {
            let times = self.deliveries.get(number).copied().unwrap_or(0);
            assert!(
                times == 1 || times > 1 && number % 2 == 0,
                "{number} was delivered {times} times"
            );
        }
    }
}

impl HasMqtt for App {
    fn mqtt(&mut self) -> ClientMut<'_, Self> {
        self.mqtt.as_mut()
    }

    fn options(&self) -> Options<'_> {
        Options {
            version: self.version,
            client_id: "picoevent",
            user: self.user.map(|(user, _)| user),
            password: self.user.map(|(_, password)| password),
            session_expiry: 3_600,
            keep_alive: 5,
            will: Some(Publish::new("state", b"gone").qos(Qos::One).retained()),
            ..Options::new(self.broker)
        }
    }

    fn event(&mut self, cx: &mut Cx<Self>, event: MqttEvent) {
        match event {
            MqttEvent::Up { .. } | MqttEvent::Room => self.publish(cx),
            MqttEvent::Down(Down::Stopped) => cx.exit(),
            MqttEvent::Down(down) => {
                assert!(!matches!(down, Down::InvalidPacket(_)), "{down}");
                self.downs.push(down);
                if matches!(down, Down::Refused(_)) {
                    mqtt::stop(self, cx);
                    cx.exit();
                }
            }
            MqttEvent::Acked(id, reason) => {
                assert!(!reason.is_failure(), "{reason}");
                if self.subscription == Some(id) {
                    assert_eq!(reason, Reason::GRANTED_QOS_2);
                    self.subscription = None;
                    if self.mosquitto.is_some() {
                        cx.after(Duration::from_millis(300), Self::restart).unwrap();
                    }
                } else if let Some(number) = self.unacknowledged.remove(&id.number()) {
                    self.acked.push(number);
                }
            }
            MqttEvent::Lost(id) => self.lost.extend(self.unacknowledged.remove(&id.number())),
        }
    }
}

#[test]
#[ignore = "needs mosquitto"]
fn messages_come_back_from_mosquitto() {
    for version in [Version::V3, Version::V5] {
        let mosquitto = Mosquitto::new("messages", "allow_anonymous true");
        messages_come_back(version, mosquitto.address, MAX_OUTSTANDING);
    }
}

/// Publishes messages with QoS 1 and 2 to a broker. Checks that each message comes back once.
fn messages_come_back(version: Version, address: SocketAddr, max_outstanding: u32) {
    let mut app = App::new(version, address, 500);
    app.max_outstanding = max_outstanding;
    app.run();
    app.check();
    assert_eq!((app.lost.len(), app.deliveries.len()), (0, 500));
    assert!(app.deliveries.values().all(|times| *times == 1));
}

#[test]
#[ignore = "needs rumqttd"]
fn messages_come_back_from_rumqttd() {
    let (v3, v5) = (free_address(), free_address());
    let listener = |name: &str, address: SocketAddr| {
        format!(
            "[{name}.1]\nname = \"{name}\"\nlisten = \"{address}\"\nnext_connection_delay_ms = 1\n\
             [{name}.1.connections]\nconnection_timeout_ms = 60000\nmax_payload_size = 20480\n\
             max_inflight_count = 100\ndynamic_filters = true\n"
        )
    };
    let settings = format!(
        "id = 0\n[router]\nid = 0\nmax_connections = 10\nmax_outgoing_packet_count = 200\n\
         max_segment_size = 1048576\nmax_segment_count = 10\n{}{}",
        listener("v4", v3),
        listener("v5", v5)
    );
    let file = std::env::temp_dir().join(format!("picoevent-rumqttd-{}.toml", v3.port()));
    fs::write(&file, settings).unwrap();
    let mut command = Command::new(installed("rumqttd/bin/rumqttd"));
    let broker = Broker::start(command.arg("--config").arg(&file), v5);
    messages_come_back(Version::V3, v3, MAX_OUTSTANDING);
    messages_come_back(Version::V5, v5, MAX_OUTSTANDING);
    drop(broker);
    fs::remove_file(file).unwrap();
}

#[test]
#[ignore = "needs aedes"]
fn messages_come_back_from_aedes() {
    const PROGRAM: &str = "
        const { Aedes } = require('aedes');
        Aedes.createBroker().then((broker) => {
            require('net').createServer(broker.handle).listen(process.argv[1], '127.0.0.1');
        });
    ";
    let address = free_address();
    let mut command = Command::new("node");
    command.args(["-e", PROGRAM, &address.port().to_string()]).current_dir(installed("npm"));
    let broker = Broker::start(&mut command, address);
    // In MQTT 3.1.1, the client cannot announce how many messages with QoS 2 it can receive at once. Aedes sends the
    // PUBRELs of these messages late, so the test limits the number of messages at once.
    messages_come_back(Version::V3, address, 2);
    drop(broker);
}

#[test]
#[ignore = "needs mosquitto"]
fn nothing_is_lost_while_mosquitto_restarts() {
    let seconds = std::env::var("MQTT_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let seconds: u32 = seconds.unwrap_or(5);
    for version in [Version::V3, Version::V5] {
        let mosquitto = Mosquitto::new("restarts", "allow_anonymous true");
        let mut app = App::new(version, mosquitto.address, seconds * 300);
        app.deadline = Instant::now() + Duration::from_secs(u64::from(seconds) * 3 + 20);
        app.mosquitto = Some(mosquitto);
        app.run();
        app.check();
        eprintln!(
            "{version:?}: {} restarts, {} messages lost with sessions",
            app.restarts,
            app.lost.len()
        );
        assert!(app.restarts > 2 && app.downs.len() >= app.restarts as usize);
    }
}

#[test]
#[ignore = "needs mosquitto"]
fn mosquitto_refuses_a_wrong_password() {
    for (version, password, is_fine) in [
        (Version::V3, &b"right"[..], true),
        (Version::V3, b"wrong", false),
        (Version::V5, b"right", true),
        (Version::V5, b"wrong", false),
    ] {
        let file = std::env::temp_dir().join(format!("picoevent-passwords-{}", std::process::id()));
        fs::write(&file, "me:right\n").unwrap();
        let hashed = Command::new("mosquitto_passwd").arg("-U").arg(&file).status();
        assert!(hashed.unwrap().success());
        let more = format!("allow_anonymous false\npassword_file {}", file.display());
        let mosquitto = Mosquitto::new("passwords", &more);
        let mut app = App::new(version, mosquitto.address, 4);
        app.user = Some(("me", password));
        app.run();
        fs::remove_file(file).unwrap();
        let refused = app.downs.iter().any(|down| matches!(down, Down::Refused(_)));
        assert_eq!((refused, app.deliveries.len()), (!is_fine, if is_fine { 4 } else { 0 }));
    }
}
