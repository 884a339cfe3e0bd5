//! The gateway on a PC: `gateway [--console ADDR:PORT] [--status ADDR:PORT] [--discovery ADDR:PORT]
//! [--collector HOST:PORT] [--broker HOST:PORT] [--name NAME] [--time-server ADDR:PORT|NAME]
//! [--name-server ADDR:PORT]`.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;

use gateway::{
    CONSOLE_PORT, DISCOVERY_PORT, Gateway, Host, MAX_NAME, Memory, STATUS_PORT, Settings, Setup,
    TimeServer, temperature,
};
use picoevent::EventBase;
use picoevent_dns::mdns::Service;
use picoevent_dns::{hosts, wire::is_host_name};
use static_cell::ConstStaticCell;

const OPTIONS: [&str; 8] = [
    "--console",
    "--status",
    "--discovery",
    "--collector",
    "--broker",
    "--name",
    "--time-server",
    "--name-server",
];
const USAGE: &str = "\
usage: [--console ADDR:PORT] [--status ADDR:PORT] [--discovery ADDR:PORT] [--collector HOST:PORT] \
[--broker HOST:PORT] [--name NAME] [--time-server ADDR:PORT|NAME] [--name-server ADDR:PORT]   port 0 takes any \
that is free";

/// The system's file of host names.
const HOSTS: &str = "/etc/hosts";

static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());

fn main() -> ExitCode {
    desk::run(|| {
        let Some(texts) = desk::texts(OPTIONS, USAGE)? else { return Ok(()) };
        let index = |option: &str| OPTIONS.iter().position(|known| *known == option);
        let text = |option: &str| index(option).and_then(|index| texts[index].as_deref());
        let local = |option: &str, port| match text(option) {
            Some(text) => desk::address(option, text),
            None => Ok(SocketAddr::from(([127, 0, 0, 1], port))),
        };
        let console = local("--console", CONSOLE_PORT)?;
        let status = local("--status", STATUS_PORT)?;
        let discovery = local("--discovery", DISCOVERY_PORT)?;
        let name = parse_name(text("--name").unwrap_or("gateway"))?;
        let host = |option| text(option).map(|text| parse_host(option, text)).transpose();
        let (collector, broker) = (host("--collector")?, host("--broker")?);
        let settings = Settings {
            collector,
            broker,
            time_server: text("--time-server").map(parse_time_server).transpose()?,
            clock_is_set: desk::set_clock,
            services: services(status),
            name_servers: match text("--name-server") {
                Some(text) => vec![desk::address("--name-server", text)?].leak(),
                None => &[],
            },
            hosts: known_hosts(&[collector, broker]),
        };
        let mut app = Gateway::new(Setup { name, sensor: temperature, collector: None });
        app.set_online(settings);
        let mut base = EventBase::new(MEMORY.take());
        picoevent_mio::seed(&mut base)
            .map_err(|error| format!("cannot get random bytes: {error}"))?;
        let listening = app.start(&mut base, console, status, discovery);
        let listening = listening.map_err(|error| error.to_string())?;
        let ports = [
            ("console", console, listening.console.into()),
            ("status", status, listening.status.into()),
            ("discovery", discovery, listening.discovery.into()),
        ];
        desk::run_until_interrupted(&mut base, &mut app, &ports, |app, [console, status, _]| {
            app.set_ports(console.port(), status.port());
        })
    })
}

fn parse_name(text: &str) -> Result<&'static str, String> {
    let is_name = is_host_name(text) && !text.contains('.') && text.len() <= MAX_NAME;
    let hint = format!("is not a word of letters, digits and hyphens, {MAX_NAME} at most");
    is_name.then(|| keep(text)).ok_or_else(|| format!("--name: {text:?} {hint}"))
}

/// Parses a host and a port. The host is a name or an address.
fn parse_host(option: &str, text: &str) -> Result<Host, String> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(Host { name: keep(&address.ip().to_string()), port: address.port() });
    }
    let parts = text.rsplit_once(':').and_then(|(name, port)| Some((name, port.parse().ok()?)));
    match parts.filter(|(name, _)| is_host_name(name) && name.len() <= Host::LONGEST) {
        Some((name, port)) => Ok(Host { name: keep(name), port }),
        None => Err(format!("{option}: {text:?} is not HOST:PORT, such as broker.example:1883")),
    }
}

fn parse_time_server(text: &str) -> Result<TimeServer, String> {
    match text.parse() {
        Ok(address) => Ok(TimeServer::At(address)),
        Err(_) if is_host_name(text) && text.len() <= Host::LONGEST => {
            Ok(TimeServer::Named(keep(text)))
        }
        Err(_) => Err(format!("--time-server: {text:?} is neither ADDR:PORT nor a name")),
    }
}

/// Returns the services to announce by mDNS: the status page. The list is empty if the port of the status page is 0,
/// because the system has not chosen a port yet. Returns `None` if other hosts cannot reach the status page.
fn services(status: SocketAddr) -> Option<&'static [Service]> {
    let port = status.port();
    let page = Service { kind: "_http._tcp", port, text: &["path=/status"] };
    let announced = if port == 0 { vec![] } else { vec![page] };
    (!status.ip().is_loopback()).then(|| &*announced.leak())
}

/// Returns the addresses of the hosts in `wanted` from the system's file of host names.
fn known_hosts(wanted: &[Option<Host>; 2]) -> &'static [(&'static str, IpAddr)] {
    let text = fs::read_to_string(HOSTS).unwrap_or_default();
    let found = hosts(&text).filter(|(name, _)| {
        wanted.iter().flatten().any(|host| host.name.eq_ignore_ascii_case(name))
    });
    found.map(|(name, address)| (keep(name), address)).take(4).collect::<Vec<_>>().leak()
}

/// Leaks a text, so that it stays valid as long as the program runs.
fn keep(text: &str) -> &'static str {
    text.to_owned().leak()
}
