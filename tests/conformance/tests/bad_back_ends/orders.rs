//! Tests of a back end that makes the same reports in every possible order.

use std::collections::BTreeSet;

use picoevent::{Action, Conn, ConnError, EventBase};
use picoevent_conformance::App;

use crate::faulty::FaultyBackEnd;

/// A kind of report about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Connected,
    Received,
    Sent,
    Finished,
    Delivered,
    Failed,
}

const KINDS: [Kind; 6] =
    [Kind::Connected, Kind::Received, Kind::Sent, Kind::Finished, Kind::Delivered, Kind::Failed];

/// What the application does before the back end makes its reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AppAction {
    Write,
    Finish,
    Close,
    Abort,
}

/// Returns all permutations of the kinds.
fn orders() -> Vec<Vec<Kind>> {
    let mut orders = vec![Vec::new()];
    for length in 0..KINDS.len() {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<Kind>| {
                let left = KINDS.into_iter().filter(|kind| !order.contains(kind));
                let longer = left.map(|kind| [&order[..], &[kind]].concat());
                longer.collect::<Vec<_>>()
            })
            .collect();
        debug_assert!(orders.iter().all(|order| order.len() == length + 1));
    }
    orders
}

fn feed(base: &mut EventBase<'_, App>, conn: Conn, kind: Kind) {
    match kind {
        Kind::Connected => base.connected(conn),
        Kind::Received => {
            if let Some((space, _)) = base.input(conn) {
                space[0] = b'i';
                base.received(conn, 1);
            }
        }
        Kind::Sent => base.sent(conn, 1),
        Kind::Finished => base.peer_finished(conn),
        Kind::Delivered => base.delivered(conn),
        Kind::Failed => base.failed(conn, ConnError::Reset),
    }
}

/// Checks the application's callbacks. Each callback may run at most once, and no callback may run after the callback
/// for the end.
fn check(log: &[String], order: &[Kind], app_action: AppAction, is_outgoing: bool) {
    let callbacks: BTreeSet<_> = log.iter().collect();
    assert_eq!(callbacks.len(), log.len(), "{order:?} after {app_action:?}: {log:?}");
    let ended = match app_action {
        AppAction::Write | AppAction::Finish => None,
        AppAction::Close => Some("0 Ended(Closed)"),
        AppAction::Abort => Some("0 Ended(Aborted)"),
    };
    if let Some(ended) = ended {
        assert_eq!(log, [ended], "{order:?} after {app_action:?}");
        return;
    }
    let index = |callback: &str| log.iter().position(|line| line == callback);
    assert_eq!(
        index("0 Ended(Failed(Reset))"),
        Some(log.len() - 1),
        "{order:?} after {app_action:?}: {log:?}"
    );
    let fed = |kind| order.iter().position(|fed| *fed == kind).unwrap();
    // `Opened` is the first callback, with one exception. If the back end reports sent output before it reports that
    // the connection is open, the callback for the output may come first.
    let first = usize::from(fed(Kind::Sent) < fed(Kind::Connected));
    let is_first = index("0 Opened").is_none_or(|index| index <= first);
    assert!(is_first, "{order:?} after {app_action:?}: {log:?}");
    let opened = if is_outgoing { Some(fed(Kind::Connected)) } else { None };
    let in_time = |kind| fed(kind) < fed(Kind::Failed) && opened.is_none_or(|at| at < fed(kind));
    // Input and an end of stream that arrive on an open connection are not lost.
    assert_eq!(index("0 Eof").is_some(), in_time(Kind::Finished), "{order:?}: {log:?}");
    if in_time(Kind::Received) && fed(Kind::Received) < fed(Kind::Finished) {
        assert!(index("0 read i").is_some(), "{order:?}: {log:?}");
    }
}

/// Makes the reports in the order `order`. If `at_once` is true, makes all reports in one iteration. If it is false,
/// makes each report in a separate iteration.
fn run_case(order: &[Kind], app_action: AppAction, is_outgoing: bool, at_once: bool) {
    let mut faulty = FaultyBackEnd::new();
    let conn = if is_outgoing { faulty.connecting() } else { faulty.accepted() };
    let mut held = faulty.base.conn(conn).unwrap();
    held.write(b"o").unwrap();
    match app_action {
        AppAction::Write => {}
        AppAction::Finish => held.finish(),
        AppAction::Close => held.close(),
        AppAction::Abort => held.abort(),
    }
    if at_once {
        let order = order.to_vec();
        faulty.will_report(move |base| order.into_iter().for_each(|kind| feed(base, conn, kind)));
    } else {
        for kind in order.iter().copied() {
            faulty.will_report(move |base| feed(base, conn, kind));
        }
    }
    faulty.run();
    let log = core::mem::take(&mut faulty.app.log);
    check(&log, order, app_action, is_outgoing);
    // The base requests at most once that the back end drops the socket of a connection.
    let ends = |action: &&Action| matches!(action, Action::Close(_) | Action::Reset(_));
    assert!(faulty.wire.actions.iter().filter(ends).count() <= 1, "{order:?} after {app_action:?}");
    faulty.end();
}

#[test]
fn reports_may_come_in_every_order() {
    let orders = orders();
    assert_eq!(orders.len(), 720);
    for order in &orders {
        for app_action in [AppAction::Write, AppAction::Finish, AppAction::Close, AppAction::Abort]
        {
            for is_outgoing in [false, true] {
                run_case(order, app_action, is_outgoing, true);
                run_case(order, app_action, is_outgoing, false);
            }
        }
    }
}
