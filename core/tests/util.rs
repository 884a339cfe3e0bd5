//! The counterparts of libevent's `util.h`.

use std::net::SocketAddr;
use std::time::Duration;

use picoevent::{ConnEvent, ConnMut, EventBase, Instant, Pool, Settings, Storage};

#[test]
fn times_are_added_subtracted_and_compared() {
    let (earlier, delay) = (Instant::from_micros(1_700_000), Duration::from_micros(2_600_001));
    let later = earlier.after(delay);
    assert_eq!(later.as_micros(), 4_300_001, "parts of a second are carried over");
    assert_eq!(later.since(earlier), delay);
    assert_eq!(earlier.since(later), Duration::ZERO, "no time is negative");
    assert!(Instant::ZERO < earlier && earlier < later);
}

struct App;

static SETTINGS: Settings = Settings::new();

fn ignored(_: &mut App, _: &mut ConnMut<App>, _: ConnEvent) {}

#[test]
fn addresses_are_parsed_printed_and_compared() {
    let mut storage = Storage::<App, 1, 4, 512, 4>::new();
    let mut base = EventBase::new(&mut storage);
    let pool = base.add_pool(Pool::rest().rings(64, 64)).unwrap();
    let texts = ["192.0.2.7:80", "[2001:db8::7]:8080", "[fe80::1%3]:53", "[::ffff:192.0.2.7]:80"];
    for text in texts {
        let address: SocketAddr = text.parse().unwrap();
        let listener = base.listen_with(address, pool, &SETTINGS, ignored).unwrap();
        let kept = base.listener(listener).unwrap().address().unwrap();
        assert_eq!((kept, kept.to_string().as_str()), (address, text));
    }
    for text in ["192.0.2.7", "192.0.2.256:80", "[2001:db8::7:80", "2001:db8::7:80", "host:80", ""]
    {
        assert!(text.parse::<SocketAddr>().is_err(), "{text}");
    }
}
