//! A client for tests. It connects to a server as soon as it is started, and is informed of network changes.
//!
//! At its start, a device may have no link and no address yet. Later, it may lose the link or the address. The adapter
//! guarantees that a connect waits for the link and the address, and that the application is informed of each change.
//! An ordinary client retries after a failure, so a connect that fails immediately has no visible effect. The client in
//! this file reports in [`Caller::problem`]:
//!
//! * a connect that ends because there is no route, before the adapter has waited its full timeout;
//! * a timer, set before the first iteration, that fires too early or too late;
//! * a network callback without a change.
//!
//! After the faults, the client must connect, and must have been informed that it has a link and an address.

use std::time::Duration;

use picoevent::{
    Backoff, ConnEnd, ConnError, ConnMut, Cx, EventMut, Instant, Network, Pool, Protocol,
    SetupError, Signal, Storage,
};
use picoevent_sim::world::{Server, Service, Session, Size, Sockets, TestCase, server_address};

const SERVER_PORT: u16 = 7171;
/// The time for which a connect waits for a link and an address. It is the adapter's timeout.
const WAIT: Duration = Duration::from_secs(60);
/// The delay of the timer that is set before the first iteration.
const SOON: Duration = Duration::from_millis(1_500);

/// A time that is longer than the sum of all forward steps of the device's clock in one simulation.
const LONG: Duration = Duration::from_secs(24 * 3_600);

const SIZE: Size<Caller> = Size::of(
    Pool::new(1).rings(64, 64),
    Storage::<Caller, 4, 1, 128, 1>::new,
    Sockets::<2, 128, 128>::new,
);

/// The application.
pub struct Caller {
    /// The last network state that the application was informed of.
    reported: Network,
    started_at: Instant,
    /// The time at which the last connect began.
    connect_began_at: Instant,
    backoff: Backoff,
    welcomes: u32,
    /// The first violation of a guarantee of the adapter or the loop.
    problem: Option<String>,
}

impl Caller {
    fn new() -> Self {
        Self {
            reported: Network::new(),
            started_at: Instant::ZERO,
            connect_began_at: Instant::ZERO,
            backoff: Backoff::new(Duration::from_millis(400), Duration::from_secs(10)),
            welcomes: 0,
            problem: None,
        }
    }

    fn start(&mut self, cx: &mut Cx<'_, Self>, pool: Pool) -> Result<(), SetupError> {
        cx.on_signal(Signal::INT, |_, event| event.exit())?;
        cx.on_network(Self::network_changed)?;
        (self.started_at, self.connect_began_at) = (cx.now(), cx.now());
        cx.after(SOON, Self::timer_fired)?;
        let pool = cx.add_pool(pool)?;
        cx.connect::<ServerConnection>(server_address(SERVER_PORT), pool)?;
        Ok(())
    }

    fn network_changed(&mut self, event: &mut EventMut<'_, '_, Self>) {
        if event.network_change().is_empty() {
            self.report_problem(
                "a network change was reported, but nothing has changed".to_owned(),
            );
        }
        self.reported = *event.network();
    }

    fn timer_fired(&mut self, event: &mut EventMut<'_, '_, Self>) {
        let passed = event.now().since(self.started_at);
        // If the clock steps forward, the timer is late, but never later than [`LONG`]. If the delay is longer than
        // [`LONG`], the loop's time has jumped. This is an error.
        if passed < SOON || passed > LONG {
            self.report_problem(format!("a timer of {SOON:?} was due after {passed:?}"));
        }
    }

    /// Returns the first violation of a guarantee of the adapter or the loop.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    fn report_problem(&mut self, what: String) {
        self.problem.get_or_insert(what);
    }
}

/// The connection to the server.
struct ServerConnection;

impl Protocol<Caller> for ServerConnection {
    const IDLE: Option<Duration> = Some(Duration::from_secs(5));

    fn opened(app: &mut Caller, conn: &mut ConnMut<'_, '_, Caller>) {
        app.backoff.reset();
        conn.alarm_every(Duration::from_secs(1));
        Self::alarm(app, conn);
    }

    fn alarm(_: &mut Caller, conn: &mut ConnMut<'_, '_, Caller>) {
        // If the output ring has no room, the write fails. The ring then still has earlier `hello` lines to send, so
        // this `hello` is not needed.
        let _ = conn.write(b"hello\n");
    }

    fn readable(app: &mut Caller, conn: &mut ConnMut<'_, '_, Caller>) {
        let mut buffer = [0; 32];
        while conn.read_line(&mut buffer).is_some() {
            app.welcomes += 1;
        }
    }

    fn eof(_: &mut Caller, conn: &mut ConnMut<'_, '_, Caller>) {
        conn.abort();
    }

    fn ended(app: &mut Caller, conn: &mut ConnMut<'_, '_, Caller>, end: ConnEnd) {
        let waited = conn.cx().now().since(app.connect_began_at);
        // The server is on the local network for each address that the device can have. So if the device has an
        // address, the server is reachable.
        if end == ConnEnd::Failed(ConnError::Unreachable) && waited < WAIT {
            app.report_problem(format!(
                "a connect failed after {waited:?} instead of waiting {WAIT:?}"
            ));
        }
        let delay = app.backoff.next_delay(conn.cx());
        app.connect_began_at = conn.cx().now().after(delay);
        let _ = conn.connect_after(delay, server_address(SERVER_PORT));
    }
}

/// The program of the server. It answers each `hello` with a welcome.
#[derive(Default)]
struct Host {
    open: u32,
    welcomes: u32,
}

impl Service for Host {
    fn opened(&mut self, _: &mut Session) -> Result<(), String> {
        self.open += 1;
        Ok(())
    }

    fn received(&mut self, session: &mut Session) -> Result<(), String> {
        while let Some(line) = session.read_line() {
            if line != "hello" {
                return Err(format!("{line:?} is no greeting"));
            }
            self.welcomes += 1;
            session.write(b"welcome\n");
        }
        Ok(())
    }

    fn ended(&mut self, _: &mut Session) {
        self.open -= 1;
    }
}

/// Returns the caller's test case.
pub fn caller() -> TestCase<Caller> {
    let host = Server::new(SERVER_PORT, |_| Host::default())
        .always(|app: &Caller, host: &Host| match app.welcomes <= host.welcomes {
            true => Ok(()),
            false => Err(format!(
                "the application received {} welcomes, but {} were sent",
                app.welcomes, host.welcomes
            )),
        })
        .in_the_end(Duration::from_secs(60), |app, _| {
            match app.reported.is_link_up() && app.reported.has_ipv4() {
                true => Ok(()),
                false => {
                    Err("the link and the address were not reported to the application".to_owned())
                }
            }
        })
        .in_the_end(Duration::from_secs(100), |app, host| {
            match host.open > 0 && app.welcomes > 0 {
                true => Ok(()),
                false => Err("it is not connected".to_owned()),
            }
        });
    TestCase::with_app("caller", 7000, Caller::new, |app, cx, _, pool| app.start(cx, pool))
        .sizes(&[SIZE])
        .server(host)
        .invariant(|app: &Caller, _| app.problem().map_or(Ok(()), |text| Err(text.to_owned())))
}
