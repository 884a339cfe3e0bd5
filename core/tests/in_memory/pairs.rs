//! Two connections that are each other's peers.

use super::*;
use picoevent::{ConnectError, SetupError, Wait};

/// Runs a pair of these two connections until the loop ends. Returns both connections.
fn run_pair(rings: (usize, usize), ends: [End; 2]) -> [End; 2] {
    let mut result = None;
    with_pool(rings, |base, app, pool| {
        let conns = pair(base, app, pool, ends);
        run(base, app).unwrap();
        result = Some(conns.map(|conn| app.ends.remove(&conn).unwrap()));
    });
    result.unwrap()
}

fn pair(base: &mut EventBase<App>, app: &mut App, pool: PoolId, ends: [End; 2]) -> [Conn; 2] {
    let conns = base.pair_with([(pool, &SETTINGS, on_event as _); 2]).unwrap();
    app.ends.extend(conns.into_iter().zip(ends));
    conns
}

#[test]
fn what_one_end_writes_the_other_reads_through_rings_of_every_size() {
    for ring in [1, 2, 3, 7, 64, 600] {
        let (there, back) = (bytes(5_000), bytes(3_001));
        let ends = [End::sends(&there, Then::Finish), End::sends(&back, Then::Finish)];
        let [one, other] = run_pair((ring, 2 * ring), ends);
        assert!(other.received == there && one.received == back, "rings of {ring} bytes");
        for end in [one, other] {
            assert_eq!(end.events[0], ConnEvent::Opened);
            assert_eq!(end.how_it_ended(), Some(ConnEnd::Closed));
            assert!(end.events.contains(&ConnEvent::Eof));
        }
    }
}

#[test]
fn a_close_arrives_after_the_bytes() {
    let [one, other] = run_pair((16, 16), [End::sends(&bytes(1_000), Then::Close), End::default()]);
    assert_eq!(other.received, bytes(1_000));
    assert_eq!(one.how_it_ended(), Some(ConnEnd::Closed));
    assert_eq!(other.how_it_ended(), Some(ConnEnd::Closed));
}

#[test]
fn an_end_that_has_finished_still_reads() {
    let ends = [End::sends(&bytes(1_000), Then::Finish), End::echoes()];
    let [one, _] = run_pair((16, 16), ends);
    assert_eq!(one.received, bytes(1_000));
}

#[test]
fn an_abort_resets_the_other_end() {
    let [one, other] = run_pair((16, 16), [End::sends(b"lost", Then::Abort), End::default()]);
    assert_eq!(one.how_it_ended(), Some(ConnEnd::Aborted));
    assert_eq!(other.how_it_ended(), Some(ConnEnd::Failed(ConnError::Reset)));
}

#[test]
fn a_closed_end_waits_for_the_other_no_longer_than_its_limit() {
    with_pool((16, 16), |base, app, pool| {
        base.set_close_limits(Duration::from_secs(5), Duration::from_secs(3));
        // Reading is disabled on `other`. So `other` never gets the end of the stream, and does not close.
        let [one, other] = pair(base, app, pool, [End::sends(b"", Then::Close), End::default()]);
        base.conn(other).unwrap().disable(Direction::Read);
        assert_eq!(run(base, app), Err(Stuck));
        assert_eq!(base.now(), Instant::from_micros(3_000_000));
        assert_eq!(app.ends[&one].how_it_ended(), Some(ConnEnd::Closed));
        assert_eq!(base.conns_in_use(pool), 1);
        // Nothing reads the bytes that `other` writes now.
        base.conn(other).unwrap().write(b"too late").unwrap();
        run(base, app).unwrap();
        let ended = app.ends[&other].how_it_ended();
        assert_eq!(ended, Some(ConnEnd::Failed(ConnError::Reset)));
    });
}

#[test]
fn an_end_that_does_not_read_makes_the_other_wait() {
    with_pool((8, 8), |base, app, pool| {
        let conns = pair(base, app, pool, [End::sends(&bytes(100), Then::Close), End::default()]);
        base.conn(conns[1]).unwrap().disable(Direction::Read);
        assert_eq!(run(base, app), Err(Stuck));
        assert_eq!(app.ends[&conns[1]].received, b"");
        let unsent = base.conn(conns[0]).map(|conn| conn.output_len()).unwrap_or(0);
        assert_eq!(unsent, 8);
        base.conn(conns[1]).unwrap().enable(Direction::Read);
        run(base, app).unwrap();
        assert_eq!(app.ends[&conns[1]].received, bytes(100));
    });
}

#[test]
fn an_end_that_receives_nothing_from_the_other_times_out() {
    with_pool((8, 8), |base, app, pool| {
        let conns = pair(base, app, pool, [End::default(), End::default()]);
        let idle = Duration::from_secs(7);
        base.conn(conns[0]).unwrap().set_timeouts(Some(idle), None);
        app.ends.get_mut(&conns[0]).unwrap().react = Some(|conn, event| {
            if event == ConnEvent::Timeout(Direction::Read) {
                conn.abort_with(ConnError::TimedOut);
            }
        });
        assert_eq!(run(base, app), Ok(idle));
        let ended = |conn| app.ends[conn].how_it_ended();
        assert_eq!(ended(&conns[0]), Some(ConnEnd::Failed(ConnError::TimedOut)));
        assert_eq!(ended(&conns[1]), Some(ConnEnd::Failed(ConnError::Reset)));
    });
}

#[test]
fn each_end_can_be_ended_in_every_iteration() {
    let actions: [fn(&mut ConnMut<App>); 3] =
        [|conn| conn.close(), |conn| conn.abort(), |conn| conn.finish()];
    for act in actions {
        for at in 0..4 {
            for partner_too in [false, true] {
                with_pool((4, 4), |base, app, pool| {
                    let ends = [End::sends(&bytes(40), Then::Finish), End::echoes()];
                    let conns = pair(base, app, pool, ends);
                    let victim = conns[at % 2];
                    let mut called = 0;
                    base.begin(Run::DEFAULT);
                    let mut clock = Clock { now: base.now(), actions: Vec::new() };
                    for _ in 0..1_000 {
                        if base.iterate(app, &mut clock) != Poll::Ready(Ok(None)) {
                            break;
                        }
                        called += 1;
                        if called == 1 + at / 2
                            && let Ok(mut conn) = base.conn(victim)
                        {
                            let partner = conn.partner();
                            act(&mut conn);
                            if let Some(Ok(mut partner)) =
                                partner.filter(|_| partner_too).map(|partner| base.conn(partner))
                            {
                                act(&mut partner);
                            }
                        }
                    }
                    base.close_all();
                    let _ = base.drain(&mut clock);
                    run(base, app).unwrap();
                    for end in app.ends.values() {
                        assert!(end.how_it_ended().is_some(), "{:?}", end.events);
                    }
                });
            }
        }
    }
}

#[test]
fn a_pair_that_does_not_fit_is_refused_and_takes_nothing() {
    let mut storage = Box::new(Storage::<App, 2, 8, 8192, 1, 3>::new());
    let mut base = EventBase::new(&mut storage);
    let sockets = base.add_pool(Pool::new(2).rings(8, 8)).unwrap();
    let three = base.add_pool(Pool::new(3).rings(8, 8).in_memory()).unwrap();
    let small = base.add_pool(Pool::new(1).rings(8, 8).in_memory()).unwrap();
    let end = |pool| (pool, &SETTINGS, on_event as _);
    let address = "192.0.2.1:7".parse().unwrap();
    assert_eq!(base.pair_with([end(sockets), end(three)]), Err(SetupError::NeedsMemoryPool));
    assert_eq!(base.pair_with([end(three), end(sockets)]), Err(SetupError::NeedsMemoryPool));
    assert_eq!(base.pair_with([end(small), end(small)]), Err(SetupError::PoolFull));
    static TOO_LONG: Settings = Settings::new().room(9);
    let refused = base.pair_with([end(three), (three, &TOO_LONG, on_event as _)]);
    assert_eq!(refused, Err(SetupError::Room));
    assert_eq!((base.conns_in_use(three), base.conns_in_use(small)), (0, 0));
    let refused = base.connect_with(address, three, &SETTINGS, on_event as _);
    assert_eq!(refused, Err(SetupError::MemoryPool));
    let refused = base.listen_with(address, three, &SETTINGS, on_event as _);
    assert_eq!(refused.err(), Some(SetupError::MemoryPool));
    let [one, other] = base.pair_with([end(three), end(small)]).unwrap();
    let mut conn = base.conn(one).unwrap();
    assert_eq!((conn.partner(), conn.peer_addr()), (Some(other), None));
    assert_eq!(conn.connect(address), Err(ConnectError::InUse));
    assert_eq!(base.pool_sizes().collect::<Vec<_>>(), [2, 0, 0], "no socket is reserved for them");
    let mut app = App::default();
    app.ends.entry(one).or_default().react = Some(|conn, event| {
        if let ConnEvent::Ended(_) = event {
            let again = conn.connect("192.0.2.1:7".parse().unwrap());
            assert_eq!(again, Err(ConnectError::InMemory));
        }
    });
    base.conn(one).unwrap().abort();
    run(&mut base, &mut app).unwrap();
    assert_eq!(app.ends[&one].how_it_ended(), Some(ConnEnd::Aborted));
}

/// When a callback has written bytes, the loop moves them in the next iteration. A timeout that the bytes restart
/// begins at the time of this move, even if the callback took a long time.
#[test]
fn a_timeout_counts_from_when_the_bytes_have_moved() {
    let idle = Duration::from_secs(1);
    with_pool((8, 8), |base, app, pool| {
        let [one, other] = pair(base, app, pool, [End::default(), End::default()]);
        run(base, app).unwrap_err();
        base.conn(one).unwrap().write(b"x").unwrap();
        base.conn(other).unwrap().set_timeouts(Some(idle), None);
        let begun = base.now();
        // Simulates a callback that takes 300 ms.
        let late = begun.after(Duration::from_millis(300));
        let mut clock = Clock { now: late, actions: Vec::new() };
        assert_eq!(base.settle(&mut clock), Ok(()));
        while base.counts().active > 0 {
            base.dispatch(app);
            assert_eq!(base.settle(&mut clock), Ok(()));
        }
        assert_eq!(base.wait(), Wait::Until(late.after(idle)));
        base.conn(one).unwrap().abort();
        run(base, app).unwrap();
    });
}

#[test]
fn consumed_input_leaves_no_due_callback_when_the_low_mark_is_lowered_to_zero() {
    static HIGH: Settings = Settings::new().input_marks(3, 8);
    static NOTHING: Settings = Settings::new().input_marks(0, 8);
    with_pool((8, 8), |base, app, pool| {
        let [one, other] = pair(base, app, pool, [End::default(), End::default()]);
        run(base, app).unwrap_err();
        base.conn(other).unwrap().set_settings(&HIGH).unwrap();
        base.conn(one).unwrap().write(b"xy").unwrap();
        run(base, app).unwrap_err();
        let mut conn = base.conn(other).unwrap();
        assert_eq!(conn.consume(2), 2);
        conn.set_settings(&NOTHING).unwrap();
        assert_eq!(conn.marks(Direction::Read), (1, 8));
        assert_eq!(base.counts().active, 0);
        base.conn(one).unwrap().abort();
        run(base, app).unwrap();
    });
}

/// Bytes that the loop moves in one iteration are reported in one callback, even if they wrap at the end of the ring.
/// The comparison with libevent in `tests/oracle` found this case.
#[test]
fn the_reader_is_called_before_the_writer_wherever_the_bytes_lie_in_their_ring() {
    static LOW: Settings = Settings::new().input_marks(4, 8);
    for shift in 0..8 {
        with_pool((8, 8), |base, app, pool| {
            let record = |app: &mut App, conn: &mut ConnMut<App>, event| {
                app.called.push((conn.id(), event));
            };
            let [one, other] =
                base.pair_with([(pool, &SETTINGS, record), (pool, &LOW, record)]).unwrap();
            assert_eq!(base.conn(one).unwrap().write_some(&[b'x'; 8]), 8);
            run(base, app).unwrap_err();
            // The next lines fill the input of `other`, and move the beginning of the output of `one` to offset `shift`
            // in its ring.
            assert_eq!(base.conn(one).unwrap().write_some(&[b'y'; 8]), 8);
            run(base, app).unwrap_err();
            assert_eq!(base.conn(other).unwrap().consume(shift), shift);
            run(base, app).unwrap_err();
            assert_eq!(base.conn(one).unwrap().write_some(&[b'z'; 8]), shift);
            run(base, app).unwrap_err();
            app.called.clear();
            base.conn(one).unwrap().wait_for_room(1);
            base.conn(other).unwrap().consume(8);
            run(base, app).unwrap_err();
            let expected = [(other, ConnEvent::Readable), (one, ConnEvent::Writable)];
            assert_eq!(app.called, expected, "{shift}");
            base.conn(one).unwrap().abort();
            run(base, app).unwrap();
        });
    }
}

/// As with a socket, only output finds out that the peer is gone.
#[test]
fn enabling_a_direction_after_the_other_end_is_gone_does_nothing() {
    with_pool((8, 8), |base, app, pool| {
        let [one, other] = base.pair_with([(pool, &SETTINGS, |_, _, _| {}); 2]).unwrap();
        base.conn(other).unwrap().close();
        assert_eq!(run(base, app), Err(Stuck));
        base.conn(one).unwrap().enable(Direction::Write);
        assert_eq!(run(base, app), Err(Stuck));
        assert!(base.conn(one).unwrap().is_open());
        base.conn(one).unwrap().write(b"lost").unwrap();
        run(base, app).unwrap();
        assert!(base.conn(one).is_err());
    });
}
