//! Static bytes of connections whose output is discarded: they are not sent, and their slots are reused.

use picoevent::memory::StaticSlot;
use picoevent::{Action, Conn, ConnError, ConnEvent, Instant, LINGER, Pool, WriteError};

use crate::{
    App, Base, accept, actions, base_with, connect, drain, drain_all, open, passes, peer, storage,
};

const FREE: StaticSlot = StaticSlot::new();
static PAGE: &[u8] = b"a page";

/// Ends a connection that uses the only slot for a static slice. Checks that another connection can use this slot.
fn ends(end: fn(&mut Base, Conn)) {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = base_with(&mut storage, [FREE; 1]);
    let (conn, other) = (open(&mut base, &mut app, 8, 8), open(&mut base, &mut app, 8, 8));
    let mut view = base.conn(conn).unwrap();
    view.write(b"ab").unwrap();
    view.write_static(PAGE).unwrap();
    assert_eq!(base.conn(other).unwrap().write_static(PAGE), Err(WriteError::Statics));
    end(&mut base, conn);
    assert_eq!(base.output(conn).0, b"");
    assert_eq!(base.conn(other).unwrap().write_static(b"other"), Ok(()));
    passes(&mut base, &mut app);
    assert_eq!(
        (drain_all(&mut base, conn), drain_all(&mut base, other)),
        (vec![], b"other".into())
    );
}

#[test]
fn the_slots_of_a_connection_that_was_aborted_are_free() {
    ends(|base, conn| base.conn(conn).unwrap().abort());
}

#[test]
fn the_slots_of_a_connection_that_has_failed_are_free() {
    ends(|base, conn| base.failed(conn, ConnError::Reset));
}

#[test]
fn the_slots_of_a_closed_connection_that_failed_to_deliver_are_free() {
    ends(|base, conn| {
        base.conn(conn).unwrap().close();
        base.failed(conn, ConnError::Reset);
    });
}

#[test]
fn the_next_connection_in_a_slot_does_not_send_old_static_bytes() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = base_with(&mut storage, [FREE; 2]);
    let pool = base.add_pool(Pool::new(1).rings(8, 8)).unwrap();
    for _ in 0..3 {
        let conn = accept(&mut base, &mut app, pool);
        let mut view = base.conn(conn).unwrap();
        view.write(b"abc").unwrap();
        assert_eq!(view.output_len(), 3);
        assert_eq!(base.output(conn).0, b"abc");
        let mut view = base.conn(conn).unwrap();
        view.write_static(PAGE).unwrap();
        view.abort();
        passes(&mut base, &mut app);
        assert_eq!(actions(&mut base), [Action::Reset(conn)]);
    }
}

#[test]
fn a_connection_that_reconnects_does_not_send_old_static_bytes() {
    for closes in [false, true] {
        let (mut storage, mut app) = (storage(), App::default());
        let mut base = base_with(&mut storage, [FREE; 1]);
        let conn = connect(&mut base, &mut app, 8, 8);
        app.react = Some(|conn, event| match event {
            ConnEvent::Ended(_) => conn.connect(peer()).unwrap(),
            ConnEvent::Opened => conn.write(b"again").unwrap(),
            _ => {}
        });
        base.conn(conn).unwrap().write_static(PAGE).unwrap();
        if closes {
            base.conn(conn).unwrap().close();
            passes(&mut base, &mut app);
        }
        base.advance(Instant::from_micros(1));
        base.failed(conn, ConnError::Reset);
        passes(&mut base, &mut app);
        actions(&mut base);
        base.connected(conn);
        passes(&mut base, &mut app);
        assert_eq!(base.output(conn).0, b"again");
        assert_eq!(base.conn(conn).unwrap().output_len(), 5);
        base.conn(conn).unwrap().write_static(PAGE).unwrap();
        assert_eq!(drain_all(&mut base, conn), [b"again", PAGE].concat());
    }
}

#[test]
fn static_slices_of_many_connections_keep_their_order() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = base_with(&mut storage, [FREE; 6]);
    let conns = [0; 3].map(|_| open(&mut base, &mut app, 8, 8));
    for round in [b"0", b"1"] {
        for conn in conns {
            let mut view = base.conn(conn).unwrap();
            view.write(round).unwrap();
            view.write_static(if round == b"0" { b"<zero>" } else { b"<one>" }).unwrap();
        }
    }
    base.conn(conns[1]).unwrap().abort();
    base.conn(conns[0]).unwrap().write_static(b"<in the free slot>").unwrap();
    assert_eq!(drain_all(&mut base, conns[2]), b"0<zero>1<one>");
    assert_eq!(drain_all(&mut base, conns[0]), b"0<zero>1<one><in the free slot>");
}

#[test]
fn a_closed_connection_that_sends_static_bytes_slowly_is_reset_at_its_limit() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = base_with(&mut storage, [FREE; 1]);
    let conn = open(&mut base, &mut app, 8, 8);
    let mut view = base.conn(conn).unwrap();
    view.write_static(PAGE).unwrap();
    view.close();
    passes(&mut base, &mut app);
    actions(&mut base);
    let limit = Instant::ZERO.after(LINGER);
    base.advance(Instant::ZERO.after(LINGER / 2));
    assert_eq!(drain(&mut base, conn, 1), b"a");
    assert_eq!(base.deadline(), Some(limit), "progress does not prolong it");
    base.advance(limit);
    passes(&mut base, &mut app);
    assert_eq!(actions(&mut base), [Action::Reset(conn)]);
}
