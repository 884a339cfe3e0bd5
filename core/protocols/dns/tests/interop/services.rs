//! Tests of the responder and the browser against avahi and python-zeroconf. A virtual cable connects two network
//! namespaces. Each test starts a second process of the test program in one namespace, and this process starts the
//! third-party programs in the other namespace. The tests need root.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use picoevent::{Cx, EventBase, EventMut};
use picoevent_dns::mdns::{
    self, Browser, BrowserMut, HasBrowser, HasMdns, Responder, Service, ServiceEvent,
};
use picoevent_dns::{
    self as dns, Addresses, HasResolver, Lookup, LookupError, Resolver, ResolverMut,
};
use picoevent_mio::{Capacities, HeapStorage, Live};

use crate::programs::{Folder, LIMIT, Program, output_of};

const OURS: &str = "192.0.2.7";
const THEIRS: &str = "192.0.2.8";

/// Two network namespaces with a cable between them. They are removed when this value is dropped.
struct Network {
    ours: String,
    theirs: String,
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().expect("there is ip");
    assert!(status.success(), "ip {arguments}: are you root?");
}

impl Network {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let (id, number) = (std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let name = |side: &str| format!("pico-{id}-{number}{side}");
        let network = Self { ours: name("a"), theirs: name("b") };
        let Self { ours, theirs } = &network;
        ip(&format!("netns add {ours}"));
        ip(&format!("netns add {theirs}"));
        ip(&format!("-n {ours} link add eth0 type veth peer name eth0 netns {theirs}"));
        for (namespace, address) in [(ours, OURS), (theirs, THEIRS)] {
            ip(&format!("-n {namespace} address add {address}/24 dev eth0"));
            ip(&format!("-n {namespace} link set lo up"));
            ip(&format!("-n {namespace} link set eth0 up"));
            ip(&format!("-n {namespace} route add default dev eth0"));
        }
        network
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for namespace in [&self.ours, &self.theirs] {
            let _ = Command::new("ip").args(["netns", "delete", namespace]).status();
        }
    }
}

/// An environment variable with the namespace of the third-party programs. The variable is set only for the second
/// process of a test.
const THEIR_NAMESPACE: &str = "PICOEVENT_INTEROP_NAMESPACE";

/// Runs a test in a namespace. `test` receives the name of the other namespace.
fn with_network(name: &str, test: impl FnOnce(&str)) {
    if let Ok(theirs) = std::env::var(THEIR_NAMESPACE) {
        return test(&theirs);
    }
    let network = Network::new();
    let own = std::env::current_exe().unwrap();
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &network.ours]).arg(own);
    command.args(["--ignored", "--exact", "--nocapture", &format!("services::{name}")]);
    command.env(THEIR_NAMESPACE, &network.theirs);
    assert!(output_of(&mut command, LIMIT * 4).is_some(), "the test has failed in its namespace");
}

/// Returns a command that runs a program in the other namespace.
fn theirs(namespace: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]).arg(program);
    command
}

/// Our device: it has a name and a service, browses services, and looks up names.
struct App {
    responder: Responder,
    browser: Browser<4>,
    names: Resolver<App, 2, 4>,
    events: Vec<String>,
    answers: Vec<Result<Addresses, LookupError>>,
    /// The output of the third-party program, after it has ended.
    result: Option<Receiver<Option<String>>>,
    output: Option<Option<String>>,
    /// Returns whether the test is over.
    is_done: fn(&App) -> bool,
}

impl HasMdns for App {
    fn mdns(&mut self) -> &mut Responder {
        &mut self.responder
    }
}

impl HasBrowser for App {
    fn browser(&mut self) -> BrowserMut<'_> {
        self.browser.as_mut()
    }

    fn service(&mut self, _: &mut Cx<Self>, event: ServiceEvent) {
        let (what, index) = match event {
            ServiceEvent::Found(index) => ("found", index),
            ServiceEvent::Changed(index) => ("changed", index),
            ServiceEvent::Lost(index) => ("lost", index),
        };
        let service = self.browser().get(index).unwrap();
        let address = service.addresses().next().unwrap();
        let value = service.value("v").map(|value| String::from_utf8_lossy(value).into_owned());
        let line = format!(
            "{what} {}|{}|{address}|{}|{value:?}",
            service.instance(),
            service.host(),
            service.port()
        );
        eprintln!("event: {line}");
        self.events.push(line);
    }
}

impl HasResolver for App {
    fn resolver(&mut self) -> ResolverMut<'_, Self> {
        self.names.as_mut()
    }
}

impl App {
    fn new(is_done: fn(&App) -> bool) -> Self {
        let mut responder = Responder::new();
        responder.set_addresses(&[OURS.parse().unwrap()]);
        Self {
            responder,
            browser: Browser::new(),
            names: Resolver::new(),
            events: Vec::new(),
            answers: Vec::new(),
            result: None,
            output: None,
            is_done,
        }
    }

    fn found(&mut self, _: &mut Cx<Self>, _: Lookup, answer: Result<Addresses, LookupError>) {
        self.answers.push(answer);
    }

    fn tick(&mut self, event: &mut EventMut<Self>) {
        if let Some(result) = &self.result
            && let Ok(output) = result.try_recv()
        {
            self.output = Some(output);
        }
        if (self.is_done)(self) {
            event.cx().exit();
        }
    }

    /// Runs until the test is over.
    fn run(&mut self, start: impl FnOnce(&mut Self, &mut Cx<Self>)) {
        let capacities =
            Capacities { events: 5, conns: 1, bytes: 16_384, udp: 3, ..Capacities::default() };
        let mut storage = HeapStorage::new(capacities).unwrap();
        let mut base = EventBase::over(storage.memory());
        let mut live = Live::new().unwrap();
        picoevent_mio::seed(&mut base).unwrap();
        base.after(LIMIT * 2, |app: &mut Self, _| {
            panic!("the test takes too long; events {:?}", app.events)
        })
        .unwrap();
        base.every(Duration::from_millis(20), Self::tick).unwrap();
        start(self, &mut base);
        live.run(&mut base, self).unwrap();
        live.close(&mut base).unwrap();
    }
}

/// Starts a thread that runs a program again and again, until the output of the program contains `text`, or until the
/// time limit. The receiver gets the output of the last run.
fn repeat_until(mut command: Command, text: &'static str) -> Receiver<Option<String>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let end = Instant::now() + LIMIT;
        let mut last = None;
        while Instant::now() < end {
            last = output_of(&mut command, Duration::from_secs(15));
            if last.as_ref().is_some_and(|output| output.contains(text)) {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        let _ = sender.send(last);
    });
    receiver
}

const WEB: &[Service] = &[Service { kind: "_http._tcp", port: 8080, text: &["v=1", "path=/"] }];

/// A separate avahi with a separate message bus.
struct Avahi {
    namespace: String,
    bus: String,
    _programs: [Program; 2],
    _folder: Folder,
}

impl Avahi {
    fn start(namespace: &str) -> Self {
        let folder = Folder::new();
        let bus = format!("unix:path={}", folder.0.join("bus").display());
        let settings = folder.write(
            "bus.conf",
            &format!(
                "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
                 \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\
                 <busconfig><type>system</type><listen>{bus}</listen><auth>EXTERNAL</auth>\
                 <policy context=\"default\"><allow own=\"*\"/><allow send_destination=\"*\"/>\
                 <allow receive_sender=\"*\"/></policy></busconfig>"
            ),
        );
        let mut daemon = Command::new("dbus-daemon");
        daemon.args(["--nofork", "--nopidfile", "--config-file", &settings]);
        let daemon = Program::start(&mut daemon);
        let socket = folder.0.join("bus");
        let end = Instant::now() + LIMIT;
        while !socket.exists() {
            assert!(Instant::now() < end, "dbus-daemon does not start");
            thread::sleep(Duration::from_millis(20));
        }
        let settings = folder.write(
            "avahi.conf",
            "[server]\nhost-name=other\nuse-ipv6=no\nallow-interfaces=eth0\n[publish]\n\
             publish-hinfo=no\npublish-workstation=no\n[rlimits]\n",
        );
        let mut avahi = theirs(namespace, "unshare");
        avahi.args(["--mount", "sh", "-c"]);
        // The daemon gets a separate folder for the file with its process ID.
        avahi.arg(format!(
            "mkdir -p /run/avahi-daemon && mount -t tmpfs none /run/avahi-daemon && \
             exec avahi-daemon --no-drop-root --no-chroot --no-rlimits --file {settings}"
        ));
        avahi.env("DBUS_SYSTEM_BUS_ADDRESS", &bus);
        let avahi = Program::start(&mut avahi);
        Self { namespace: namespace.to_owned(), bus, _programs: [avahi, daemon], _folder: folder }
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = theirs(&self.namespace, program);
        command.args(arguments).env("DBUS_SYSTEM_BUS_ADDRESS", &self.bus);
        command
    }

    /// Publishes a service, after avahi has started.
    fn publish(&self) -> Program {
        let end = Instant::now() + LIMIT;
        while output_of(&mut self.command("avahi-browse", &["-at"]), Duration::from_secs(15))
            .is_none()
        {
            assert!(Instant::now() < end, "avahi does not start");
            thread::sleep(Duration::from_millis(100));
        }
        let arguments = ["-s", "Kessel 2.1, links", "_mqtt._tcp", "1883", "v=5"];
        Program::start(&mut self.command("avahi-publish", &arguments))
    }
}

const SERVICE_FOUND: &str = "found Kessel 2.1, links|other|192.0.2.8|1883|Some(\"5\")";

#[test]
#[ignore = "needs avahi, dbus and root"]
fn avahi_finds_the_responder() {
    with_network("avahi_finds_the_responder", |namespace| {
        let avahi = Avahi::start(namespace);
        let mut app = App::new(|app| app.output.is_some());
        let browse = avahi.command("avahi-browse", &["-rpt", "_http._tcp"]);
        app.result = Some(repeat_until(browse, "8080"));
        app.run(|app, cx| mdns::announce(app, cx, "panel", WEB).unwrap());
        let output = app.output.take().flatten().expect("avahi-browse was successful");
        let line = output.lines().find(|line| line.starts_with('=')).unwrap_or(&output);
        for part in ["panel", "panel.local", OURS, "8080", "\"v=1\"", "\"path=/\""] {
            assert!(line.contains(part), "{part} in {line}");
        }
        let resolve = avahi.command("avahi-resolve", &["-4", "-n", "panel.local"]);
        app.result = Some(repeat_until(resolve, OURS));
        app.run(|app, cx| mdns::announce(app, cx, "panel", WEB).unwrap());
        let output = app.output.take().flatten().expect("avahi-resolve was successful");
        assert!(output.contains(OURS), "{output}");
        // Avahi already has this name, so our host appends a number to the name.
        let mut app = App::new(|app| app.responder.name().is_some());
        app.run(|app, cx| mdns::announce(app, cx, "other", WEB).unwrap());
        assert_eq!(app.responder.name(), Some("other-2"));
    });
}

#[test]
#[ignore = "needs avahi, dbus and root"]
fn the_browser_and_the_resolver_find_avahi() {
    with_network("the_browser_and_the_resolver_find_avahi", |namespace| {
        let avahi = Avahi::start(namespace);
        let publisher = avahi.publish();
        let mut app = App::new(|app| !app.events.is_empty() && !app.answers.is_empty());
        app.run(|app, cx| {
            mdns::browse(app, cx, "_mqtt._tcp").unwrap();
            dns::resolve(app, cx, "other.local", None, App::found).unwrap();
        });
        assert_eq!(app.events, [SERVICE_FOUND]);
        let address = app.answers[0].map(|addresses| addresses.first());
        assert_eq!(address, Ok(Some(THEIRS.parse().unwrap())));
        // When the publisher ends, avahi sends a goodbye.
        let mut app = App::new(|app| app.events.iter().any(|line| line.starts_with("lost")));
        let stopper = thread::spawn(move || {
            thread::sleep(Duration::from_secs(3));
            publisher.end();
        });
        let start = Instant::now();
        app.run(|app, cx| mdns::browse(app, cx, "_mqtt._tcp").unwrap());
        stopper.join().unwrap();
        assert!(start.elapsed() < Duration::from_secs(15), "a goodbye, and not the time to live");
    });
}

/// A program that publishes a service, or prints the services that it finds.
const ZEROCONF: &str = r#"
import socket, sys, time
from zeroconf import ServiceBrowser, ServiceInfo, Zeroconf

address = "192.0.2.8"
zeroconf = Zeroconf(interfaces=[address])

class Listener:
    def add_service(self, zeroconf, kind, name):
        info = zeroconf.get_service_info(kind, name, 10000)
        if info:
            addresses = ",".join(socket.inet_ntoa(held) for held in info.addresses)
            print(name, info.server, addresses, info.port, info.properties, flush=True)
    def update_service(self, zeroconf, kind, name):
        pass
    def remove_service(self, zeroconf, kind, name):
        print("removed", name, flush=True)

if sys.argv[1] == "publish":
    info = ServiceInfo("_mqtt._tcp.local.", "Kessel links._mqtt._tcp.local.", 1883,
                       addresses=[socket.inet_aton(address)], properties={"v": "5"},
                       server="other.local.")
    zeroconf.register_service(info)
    time.sleep(float(sys.argv[2]))
    zeroconf.unregister_service(info)
else:
    browser = ServiceBrowser(zeroconf, "_http._tcp.local.", Listener())
    time.sleep(float(sys.argv[2]))
zeroconf.close()
"#;

/// Returns a command that runs [`ZEROCONF`] in the other namespace.
fn zeroconf(namespace: &str, folder: &Folder, arguments: &[&str]) -> Command {
    let python = std::env::var("PICOEVENT_INTEROP").expect("cargo xtask interop sets it");
    let python = Path::new(&python).join("venv/bin/python");
    let mut command = theirs(namespace, python);
    command.arg(folder.write("program.py", ZEROCONF)).args(arguments);
    command
}

#[test]
#[ignore = "needs python-zeroconf and root"]
fn python_zeroconf_finds_the_responder() {
    with_network("python_zeroconf_finds_the_responder", |namespace| {
        let folder = Folder::new();
        let mut app = App::new(|app| app.output.is_some());
        let browse = zeroconf(namespace, &folder, &["browse", "8"]);
        app.result = Some(repeat_until(browse, "panel._http"));
        app.run(|app, cx| mdns::announce(app, cx, "panel", WEB).unwrap());
        let output = app.output.take().flatten().expect("the program was successful");
        for part in ["panel._http._tcp.local.", "panel.local.", OURS, "8080", "b'v': b'1'"] {
            assert!(output.contains(part), "{part} in {output}");
        }
    });
}

#[test]
#[ignore = "needs python-zeroconf and root"]
fn the_browser_finds_python_zeroconf() {
    with_network("the_browser_finds_python_zeroconf", |namespace| {
        let folder = Folder::new();
        let publisher = Program::start(&mut zeroconf(namespace, &folder, &["publish", "10"]));
        let mut app = App::new(|app| app.events.iter().any(|line| line.starts_with("lost")));
        let start = Instant::now();
        app.run(|app, cx| mdns::browse(app, cx, "_mqtt._tcp").unwrap());
        // python-zeroconf treats a dot as the end of a label, so the names in this test have no dot.
        assert_eq!(app.events[0], SERVICE_FOUND.replace(" 2.1,", ""));
        assert!(start.elapsed() < Duration::from_secs(40), "a goodbye, and not the time to live");
        publisher.end();
    });
}
