//! Tests of the resolver against the DNS servers dnsmasq and unbound.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use picoevent::{Cx, EventBase, Pool};
use picoevent_dns::{
    self as dns, Addresses, Family, HasResolver, Lookup, LookupError, Resolver, ResolverMut,
};
use picoevent_mio::{Capacities, HeapStorage, Live};

use crate::programs::{Folder, LIMIT, Program, free_address, wait_for};

/// An application that looks up names one after another.
struct App {
    names: Resolver<App, 2, 4>,
    /// The questions, in order.
    questions: Vec<(String, Option<Family>)>,
    answers: Vec<Result<Vec<IpAddr>, LookupError>>,
}

impl HasResolver for App {
    fn resolver(&mut self) -> ResolverMut<'_, Self> {
        self.names.as_mut()
    }
}

impl App {
    fn next(&mut self, cx: &mut Cx<Self>) {
        let Some((name, family)) = self.questions.get(self.answers.len()).cloned() else {
            return cx.exit();
        };
        dns::resolve(self, cx, &name, family, Self::found).unwrap();
    }

    fn found(&mut self, cx: &mut Cx<Self>, _: Lookup, answer: Result<Addresses, LookupError>) {
        self.answers.push(answer.map(|addresses| addresses.iter().collect()));
        assert_eq!(cx.udp_sockets().count(), 1, "all look-ups use one socket");
        self.next(cx);
    }
}

/// Looks up names one after another, with one socket.
fn look_up(servers: &[SocketAddr], questions: &[(&str, Option<Family>)]) -> App {
    let capacities = Capacities {
        events: 2,
        conns: 1,
        pools: 1,
        bytes: 16_384,
        udp: 1,
        ..Capacities::default()
    };
    let mut storage = HeapStorage::new(capacities).unwrap();
    let mut base = EventBase::over(storage.memory());
    let mut live = Live::new().unwrap();
    picoevent_mio::seed(&mut base).unwrap();
    base.after(LIMIT * 2, |_, _| panic!("the look-ups take too long")).unwrap();
    let pool = base.add_pool(Pool::new(1).rings(8_192, 512)).unwrap();
    let mut app = App {
        names: Resolver::new(),
        questions: questions.iter().map(|(name, family)| ((*name).to_owned(), *family)).collect(),
        answers: Vec::new(),
    };
    app.names.set_servers(servers);
    app.names.set_tcp_pool(pool);
    app.next(&mut base);
    live.run(&mut base, &mut app).unwrap();
    assert_eq!(app.answers.len(), app.questions.len());
    live.close(&mut base).unwrap();
    app
}

fn v4(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

/// The number of addresses of the name `many.test`. The answer with these addresses is longer than 512 bytes.
const MANY_ADDRESSES: u8 = 60;

struct Server {
    address: SocketAddr,
    program: Program,
    _folder: Folder,
}

/// Starts dnsmasq with the names of the tests.
fn dnsmasq() -> Server {
    let (address, folder) = (free_address(), Folder::new());
    let mut hosts = String::from("192.0.2.1 a.test\n2001:db8::1 a.test\n2001:db8::6 six.test\n");
    (1..=MANY_ADDRESSES).for_each(|last| hosts += &format!("192.0.2.{last} many.test\n"));
    let hosts = folder.write("hosts", &hosts);
    let mut command = Command::new("dnsmasq");
    command
        .args(["--keep-in-foreground", "--conf-file=/dev/null", "--user=root"])
        .args(["--no-resolv", "--no-hosts", "--bind-interfaces", "--listen-address=127.0.0.1"])
        .args(["--local=/test/", "--address=/bulk.test/192.0.2.9", "--pid-file="])
        .args(["--cname=one.test,a.test", "--cname=two.test,one.test", "--local-ttl=0"])
        .arg(format!("--addn-hosts={hosts}"))
        .arg(format!("--port={}", address.port()));
    let program = Program::start(&mut command);
    wait_for(address);
    Server { address, program, _folder: folder }
}

/// Starts unbound with the names of the tests, as the primary server of their zone.
fn unbound() -> Server {
    let (address, folder) = (free_address(), Folder::new());
    let mut zone = String::from(
        "$ORIGIN test.\n$TTL 60\n@ IN SOA ns.test. me.test. 1 3600 600 86400 30\n@ IN NS ns.test.\n\
         ns IN A 192.0.2.53\na IN A 192.0.2.1\na IN AAAA 2001:db8::1\nsix IN AAAA 2001:db8::6\n\
         one IN CNAME a\ntwo IN CNAME one\nzero 0 IN A 192.0.2.7\n*.bulk 0 IN A 192.0.2.9\n",
    );
    (1..=MANY_ADDRESSES).for_each(|last| zone += &format!("many IN A 192.0.2.{last}\n"));
    let zone = folder.write("zone", &zone);
    let settings = format!(
        "server:\n interface: 127.0.0.1\n port: {}\n do-daemonize: no\n username: \"\"\n chroot: \"\"\n \
         pidfile: \"\"\n use-syslog: no\n logfile: \"\"\n verbosity: 0\n access-control: 127.0.0.0/8 allow\n \
         domain-insecure: \"test.\"\n local-zone: \"test.\" nodefault\n minimal-responses: yes\n\
         remote-control:\n control-enable: no\n\
         auth-zone:\n name: \"test.\"\n zonefile: \"{zone}\"\n for-downstream: yes\n for-upstream: no\n",
        address.port()
    );
    let settings = folder.write("settings", &settings);
    let program = Program::start(Command::new("unbound").args(["-d", "-c", &settings]));
    wait_for(address);
    Server { address, program, _folder: folder }
}

fn first_eight() -> Vec<IpAddr> {
    (1..=8).map(v4).collect()
}

/// Checks the answers that every server must give.
fn check_answers(server: &Server) {
    let (v4_only, v6_only) = (Some(Family::V4), Some(Family::V6));
    let six: IpAddr = "2001:db8::6".parse().unwrap();
    let both = vec![v4(1), "2001:db8::1".parse().unwrap()];
    let cases = [
        ("a.test", v4_only, Ok(vec![v4(1)])),
        ("A.Test.", v4_only, Ok(vec![v4(1)])),
        ("a.test", None, Ok(both.clone())),
        ("six.test", v6_only, Ok(vec![six])),
        ("six.test", None, Ok(vec![six])),
        ("six.test", v4_only, Err(LookupError::NoAddress)),
        ("one.test", v4_only, Ok(vec![v4(1)])),
        ("two.test", None, Ok(both)),
        ("nothing.test", None, Err(LookupError::NoSuchName)),
    ];
    let questions: Vec<_> = cases.iter().map(|(name, family, _)| (*name, *family)).collect();
    let app = look_up(&[server.address], &questions);
    for ((name, family, expected), answer) in cases.into_iter().zip(app.answers) {
        assert_eq!(answer, expected, "{name} {family:?}");
    }
    // This answer is fetched over TCP, because it does not fit into a datagram. A server may send the addresses in any
    // order.
    let app = look_up(&[server.address], &[("many.test", v4_only)]);
    let found = app.answers[0].as_ref().unwrap();
    let all: HashSet<_> = (1..=MANY_ADDRESSES).map(v4).collect();
    assert!(
        found.len() == first_eight().len() && found.iter().all(|address| all.contains(address))
    );
}

/// Looks up many different names one after another, without a pause.
fn look_up_ten_thousand_names(server: &Server) {
    let names: Vec<_> = (0..10_000).map(|number| format!("n{number}.bulk.test")).collect();
    let questions: Vec<_> = names.iter().map(|name| (&name[..], Some(Family::V4))).collect();
    let start = Instant::now();
    let app = look_up(&[server.address], &questions);
    assert!(app.answers.iter().all(|answer| *answer == Ok(vec![v4(9)])));
    eprintln!("10,000 look-ups in {:?}", start.elapsed());
}

#[test]
#[ignore = "needs dnsmasq"]
fn the_resolver_accepts_the_answers_of_dnsmasq() {
    let server = dnsmasq();
    check_answers(&server);
    // All answers of dnsmasq have a time to live of 0, so the second look-up sends a query, too.
    let app = look_up(&[server.address], &[("a.test", None), ("a.test", None)]);
    assert_eq!(app.answers[0], app.answers[1]);
    look_up_ten_thousand_names(&server);
}

#[test]
#[ignore = "needs unbound"]
fn the_resolver_accepts_the_answers_of_unbound() {
    let server = unbound();
    check_answers(&server);
    let zero = ("zero.test", Some(Family::V4));
    let app = look_up(&[server.address], &[zero, zero]);
    assert_eq!(app.answers, vec![Ok(vec![v4(7)]); 2]);
    look_up_ten_thousand_names(&server);
}

#[test]
#[ignore = "needs dnsmasq and unbound"]
fn another_server_is_queried_if_one_is_silent_or_has_ended() {
    let (first, second) = (unbound(), dnsmasq());
    // This server has a socket but never answers.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let questions = [("a.test", Some(Family::V4)); 3];
    let servers = [silent.local_addr().unwrap(), second.address];
    let start = Instant::now();
    let app = look_up(&servers, &questions);
    assert_eq!(app.answers, vec![Ok(vec![v4(1)]); 3]);
    assert!((1..8).contains(&start.elapsed().as_secs()), "one wait, {:?}", start.elapsed());
    // The first server ends while the client uses it.
    let servers = [first.address, second.address];
    let Server { program, .. } = first;
    let stopper = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        program.end();
    });
    let names: Vec<_> = (0..4_000).map(|number| format!("m{number}.bulk.test")).collect();
    let questions: Vec<_> = names.iter().map(|name| (&name[..], Some(Family::V4))).collect();
    let app = look_up(&servers, &questions);
    assert!(app.answers.iter().all(|answer| *answer == Ok(vec![v4(9)])));
    stopper.join().unwrap();
}
