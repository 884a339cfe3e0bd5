//! The same news in every order.

use std::collections::BTreeSet;

use picoevent::{Action, Conn, ConnError, EventBase};
use picoevent_conformance::App;

use crate::unruly::Unruly;

/// A kind of news of a connection.
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

/// What the application has done before the news comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Write,
    Finish,
    Close,
    Abort,
}

/// Returns all orders of the kinds.
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
        Kind::Finished => base.finished(conn),
        Kind::Delivered => base.delivered(conn),
        Kind::Failed => base.failed(conn, ConnError::Reset),
    }
}

/// Checks what the application was called with: each callback once at most, nothing after the end.
fn check(log: &[String], order: &[Kind], deed: Deed, is_outgoing: bool) {
    let callbacks: BTreeSet<_> = log.iter().collect();
    assert_eq!(callbacks.len(), log.len(), "{order:?} after {deed:?}: {log:?}");
    let ended = match deed {
        Deed::Write | Deed::Finish => None,
        Deed::Close => Some("0 Ended(Closed)"),
        Deed::Abort => Some("0 Ended(Aborted)"),
    };
    if let Some(ended) = ended {
        assert_eq!(log, [ended], "{order:?} after {deed:?}");
        return;
    }
    let place = |callback: &str| log.iter().position(|line| line == callback);
    assert_eq!(
        place("0 Ended(Failed(Reset))"),
        Some(log.len() - 1),
        "{order:?} after {deed:?}: {log:?}"
    );
    let fed = |kind| order.iter().position(|fed| *fed == kind).unwrap();
    // If the back end reports sent output before it reports the connection, the callback for the output comes first.
    let first = usize::from(fed(Kind::Sent) < fed(Kind::Connected));
    let is_first = place("0 Opened").is_none_or(|place| place <= first);
    assert!(is_first, "{order:?} after {deed:?}: {log:?}");
    let opened = if is_outgoing { Some(fed(Kind::Connected)) } else { None };
    let in_time = |kind| fed(kind) < fed(Kind::Failed) && opened.is_none_or(|at| at < fed(kind));
    // What arrives on an open connection is not lost.
    assert_eq!(place("0 Eof").is_some(), in_time(Kind::Finished), "{order:?}: {log:?}");
    if in_time(Kind::Received) && fed(Kind::Received) < fed(Kind::Finished) {
        assert!(place("0 read i").is_some(), "{order:?}: {log:?}");
    }
}

/// Feeds the news in this order, either all news in one turn or each in a separate turn.
fn play(order: &[Kind], deed: Deed, is_outgoing: bool, at_once: bool) {
    let mut unruly = Unruly::new();
    let conn = if is_outgoing { unruly.connecting() } else { unruly.accepted() };
    let mut held = unruly.base.conn(conn).unwrap();
    held.write(b"o").unwrap();
    match deed {
        Deed::Write => {}
        Deed::Finish => held.finish(),
        Deed::Close => held.close(),
        Deed::Abort => held.abort(),
    }
    if at_once {
        let order = order.to_vec();
        unruly.feed(move |base| order.into_iter().for_each(|kind| feed(base, conn, kind)));
    } else {
        for kind in order.iter().copied() {
            unruly.feed(move |base| feed(base, conn, kind));
        }
    }
    unruly.run();
    let log = core::mem::take(&mut unruly.app.log);
    check(&log, order, deed, is_outgoing);
    // The base tells the back end at most once to drop the socket of a connection.
    let ends = |action: &&Action| matches!(action, Action::Close(_) | Action::Reset(_));
    assert!(unruly.wire.actions.iter().filter(ends).count() <= 1, "{order:?} after {deed:?}");
    unruly.end();
}

#[test]
fn news_may_come_in_every_order() {
    let orders = orders();
    assert_eq!(orders.len(), 720);
    for order in &orders {
        for deed in [Deed::Write, Deed::Finish, Deed::Close, Deed::Abort] {
            for is_outgoing in [false, true] {
                play(order, deed, is_outgoing, true);
                play(order, deed, is_outgoing, false);
            }
        }
    }
}
