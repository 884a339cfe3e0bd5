//! The functions of the resolver, of mDNS and of DNS messages.

use core::net::SocketAddr;

use picoevent::{ConnMut, Cx, EventBase, PoolId, Protocol, Storage, UdpRings};
use picoevent_dns::mdns::{
    self, Browser, BrowserMut, HasBrowser, HasMdns, Responder, Service, ServiceEvent,
};
use picoevent_dns::wire::{self, Kind, Message, Name, Section, Writer};
use picoevent_dns::{
    self as dns, Addresses, Family, HasResolver, Lookup, LookupError, Resolver, ResolverMut,
};

use crate::unknown::{address, any, bytes, duration, word};

/// An application with a resolver.
struct App(Resolver<App, 2, 3, 32>);

impl HasResolver for App {
    fn resolver(&mut self) -> ResolverMut<'_, Self> {
        self.0.as_mut()
    }
}

/// A protocol for connections to a name.
struct Named;

impl Protocol<App> for Named {
    fn readable(app: &mut App, conn: &mut ConnMut<'_, '_, App>) {
        any((app, conn));
    }
}

fn found(
    app: &mut App,
    cx: &mut Cx<'_, App>,
    lookup: Lookup,
    answer: Result<Addresses, LookupError>,
) {
    if let Ok(addresses) = answer {
        any(any(addresses).iter().last());
        any(addresses.first());
    }
    any((app, cx, lookup));
}

pub fn every_function(pool: PoolId) {
    let mut storage = Storage::<App, 2, 2, 64, 1, 2, 0, 2>::new();
    let mut base = EventBase::new(any(&mut storage));
    let mut app = App(any(Resolver::new()));
    let servers = [address()];
    let servers: &[SocketAddr] = any(&servers);
    app.0.set_servers(servers);
    app.0.set_rings(any(UdpRings::new(any(30), any(40))));
    app.0.set_tcp_pool(any(pool));
    let mut names = any(&mut app.0).as_mut();
    names.set_servers(any(servers));
    any((names.servers(), names.lookups()));
    names.clear_cache();
    let family = any(Some(Family::of(address().ip())));
    if let Ok(lookup) = dns::resolve(any(&mut app), any(&mut *base), word(), family, found) {
        any(dns::cancel(any(&mut app), any(lookup)));
    }
    any(dns::add_host(any(&mut app), word(), address().ip())).ok();
    let conn =
        dns::connect::<App, Named>(any(&mut app), any(&mut *base), word(), any(1), any(pool));
    if let Ok(Ok(mut conn)) = conn.map(|conn| base.conn(any(conn))) {
        any(dns::connect_again(any(&mut app), any(&mut conn), duration(), word(), any(1))).ok();
        any(picoevent_http::by_name(any(&mut app), any(&mut conn), word(), any(1)));
    }
    // The callbacks of the resolver's sockets and timers are called through function pointers. The calls above have set
    // these pointers.
    while let Some(fired) = any(&mut base).next() {
        any(fired).call(any(&mut app), any(&mut *base));
    }
    any(dns::hosts(word()).last());
    any(dns::name_servers(word()).last());
    read();
    write();
    neighbours();
}

fn read() {
    any(wire::is_host_name(word()));
    let Ok(message) = Message::parse(bytes()) else { return };
    any(message.question_bytes());
    any((
        message.id(),
        message.flags(),
        message.status(),
        message.is_answer(),
        message.is_truncated(),
    ));
    any(message
        .questions()
        .last()
        .map(|question| (question.is_of_internet(), name(question.name))));
    for records in [message.answers(), message.authorities(), message.additional()] {
        if let Some(record) = any(records.last()) {
            name(record.name);
            any((record.data(), record.bytes()));
        }
    }
}

fn name(name: Name<'_>) {
    any((name.labels().last(), name.is(word()), name.is_exactly(bytes()), name == any(name)));
    any(name.is_of(any(&[bytes(), bytes()])));
}

fn write() {
    let mut buffer = any([0; 40]);
    let mut writer = Writer::new(&mut buffer, any(1), any(2));
    writer.question(word(), any(Kind::A), any(1));
    writer.record(any(Section::Answer), word(), any(Kind::SRV), any(60), |writer| {
        writer.number(any(80));
        writer.name(word());
        writer.bytes(bytes());
    });
    writer.questions_of((any(1), bytes()));
    writer.question_for(any(&[bytes(), bytes()]), any(Kind::A), any(1));
    let texts = &[bytes(), bytes()];
    writer.record_of(any(Section::Answer), texts, any(Kind::A), any(1), any(60), |writer| {
        writer.name_of(any(texts));
    });
    any(writer.finish());
}

/// An application with a responder and a browser.
struct Host(Responder, Browser<2>);

impl HasBrowser for Host {
    fn browser(&mut self) -> BrowserMut<'_> {
        self.1.as_mut()
    }

    fn service(&mut self, cx: &mut Cx<'_, Self>, event: ServiceEvent) {
        any((&mut *self, cx, event));
        if let Some(service) = self.browser().get(any(1)) {
            any((service.instance(), service.host(), service.port()));
            any((service.addresses().last(), service.texts().last(), service.value(word())));
        }
        any(self.browser().services().last());
    }
}

impl HasMdns for Host {
    fn mdns(&mut self) -> &mut Responder {
        &mut self.0
    }
}

fn services() -> &'static [Service] {
    static SERVICES: [Service; 1] = [Service { kind: "_http._tcp", port: 80, text: &["a=b"] }];
    any(&SERVICES)
}

fn neighbours() {
    let mut storage = Storage::<Host, 2, 0, 64, 0, 0, 0, 1>::new();
    let mut base = EventBase::new(any(&mut storage));
    let mut app = Host(any(Responder::new()), any(Browser::new()));
    app.0.set_addresses(any(&[address().ip()]));
    any(mdns::announce(any(&mut app), any(&mut *base), word(), services())).ok();
    any(mdns::browse(any(&mut app), any(&mut *base), word())).ok();
    while let Some(fired) = any(&mut base).next() {
        any(fired).call(any(&mut app), any(&mut *base));
    }
    any(any(&app).0.name());
    mdns::withdraw(any(&mut app), any(&mut *base));
    mdns::stop_browsing(any(&mut app), any(&mut *base));
}
