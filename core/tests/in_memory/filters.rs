//! Connections above filters.

use super::*;
use picoevent::{Filter, Protocol, SetupError};

type Moved = Result<(usize, usize), ConnError>;

/// A filter that flips some bits of each byte.
struct Xor;

fn xor(from: &[u8], to: &mut [u8]) -> Moved {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = from ^ 0x5a);
    let amount = from.len().min(to.len());
    Ok((amount, amount))
}

impl Filter<App> for Xor {
    fn input(_: &mut App, _: Conn, from: &[u8], to: &mut [u8]) -> Moved {
        xor(from, to)
    }

    fn output(_: &mut App, _: Conn, from: &[u8], to: &mut [u8]) -> Moved {
        xor(from, to)
    }
}

/// A filter that sends each byte three times, and an end marker at the end of the stream. A group of three equal bytes
/// is one unit: the receiving side replaces it with one byte.
struct Triple;

const MARK: &[u8] = b"###";

impl Filter<App> for Triple {
    fn input(_: &mut App, _: Conn, from: &[u8], to: &mut [u8]) -> Moved {
        let whole = from.chunks_exact(3);
        let amount = whole.len().min(to.len());
        for (to, three) in to.iter_mut().zip(whole) {
            if three != [three[0]; 3] {
                return Err(ConnError::Filter);
            }
            *to = three[0];
        }
        Ok((3 * amount, amount))
    }

    fn output(_: &mut App, _: Conn, from: &[u8], to: &mut [u8]) -> Moved {
        let amount = from.len().min(to.len() / 3);
        for (three, from) in to.chunks_exact_mut(3).zip(from) {
            three.fill(*from);
        }
        Ok((amount, 3 * amount))
    }

    fn finish(_: &mut App, _: Conn, to: &mut [u8]) -> Moved {
        if to.len() < MARK.len() {
            return Ok((0, MARK.len()));
        }
        to[..MARK.len()].copy_from_slice(MARK);
        Ok((MARK.len(), 0))
    }

    fn ended(app: &mut App, above: Conn) {
        app.ended.push(above);
    }
}

/// A filter that does not change the bytes, but adds a text of `LONG` bytes at the end of the stream.
struct Signed;

impl Filter<App> for Signed {
    fn input(_: &mut App, _: Conn, from: &[u8], to: &mut [u8]) -> Moved {
        as_it_is(from, to)
    }

    fn output(_: &mut App, _: Conn, from: &[u8], to: &mut [u8]) -> Moved {
        as_it_is(from, to)
    }

    fn finish(app: &mut App, _: Conn, to: &mut [u8]) -> Moved {
        let rest = bytes(LONG).split_off(app.signed);
        let (produced, _) = as_it_is(&rest, to)?;
        app.signed += produced;
        Ok((produced, rest.len() - produced))
    }
}

/// The length of the text that [`Signed`] adds. This length is more than the room that a filter gets in one call.
const LONG: usize = 150;

fn as_it_is(from: &[u8], to: &mut [u8]) -> Moved {
    let amount = from.len().min(to.len());
    to[..amount].copy_from_slice(&from[..amount]);
    Ok((amount, amount))
}

fn tripled(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [*byte; 3]).collect()
}

/// The protocol of connections above filters.
struct Above;

impl Protocol<App> for Above {
    fn opened(app: &mut App, conn: &mut ConnMut<App>) {
        on_event(app, conn, ConnEvent::Opened);
    }

    fn readable(app: &mut App, conn: &mut ConnMut<App>) {
        on_event(app, conn, ConnEvent::Readable);
    }

    fn writable(app: &mut App, conn: &mut ConnMut<App>) {
        on_event(app, conn, ConnEvent::Writable);
    }

    fn eof(app: &mut App, conn: &mut ConnMut<App>) {
        on_event(app, conn, ConnEvent::Eof);
    }

    fn ended(app: &mut App, conn: &mut ConnMut<App>, end: ConnEnd) {
        on_event(app, conn, ConnEvent::Ended(end));
    }
}

/// Makes a pair of connections, and a filter above one of them. Returns the connection without a filter, the
/// connection below the filter, and the connection above the filter.
fn filtered<F: Filter<App>>(
    base: &mut EventBase<App>,
    app: &mut App,
    pool: PoolId,
    [plain, above]: [End; 2],
) -> [Conn; 3] {
    let [outer, below] = base.pair_with([(pool, &SETTINGS, on_event as _); 2]).unwrap();
    let top = base.conn(below).unwrap().filter::<F, Above>(pool).unwrap();
    app.ends.extend([(outer, plain), (top, above)]);
    [outer, below, top]
}

fn run_filtered<F: Filter<App>>(rings: (usize, usize), ends: [End; 2]) -> [End; 2] {
    let mut result = None;
    with_pool(rings, |base, app, pool| {
        let [outer, below, top] = filtered::<F>(base, app, pool, ends);
        run(base, app).unwrap();
        assert!(!app.ends.contains_key(&below), "the filter's connection calls nobody else");
        result = Some([outer, top].map(|conn| app.ends.remove(&conn).unwrap()));
    });
    result.unwrap()
}

#[test]
fn bytes_are_transformed_both_ways_through_rings_of_every_size() {
    for ring in [3, 4, 7, 64, 65, 600] {
        let back: Vec<u8> = tripled(&bytes(2_000));
        let ends = [End::sends(&back, Then::Finish), End::sends(&bytes(3_001), Then::Finish)];
        let [outer, above] = run_filtered::<Triple>((ring, ring), ends);
        let mut expected = tripled(&bytes(3_001));
        expected.extend_from_slice(MARK);
        assert!(outer.received == expected, "rings of {ring}: {}", outer.received.len());
        assert!(above.received == bytes(2_000), "rings of {ring}");
        assert_eq!(above.events[0], ConnEvent::Opened);
        assert!(above.events.contains(&ConnEvent::Eof));
        assert_eq!(outer.how_it_ended(), Some(ConnEnd::Closed));
        assert_eq!(above.how_it_ended(), Some(ConnEnd::Closed));
    }
}

#[test]
fn a_close_above_arrives_after_the_bytes_and_the_mark() {
    for then in [Then::Close, Then::Finish] {
        let ends = [End::default(), End::sends(&bytes(500), then)];
        let [outer, above] = run_filtered::<Triple>((5, 5), ends);
        assert!(outer.received.ends_with(MARK));
        assert_eq!(outer.received.len(), 1_500 + MARK.len());
        assert_eq!(above.how_it_ended(), Some(ConnEnd::Closed));
    }
}

/// When the filter writes its end marker, the output ring below the filter is full, or the ring is shorter than the
/// marker.
#[test]
fn a_long_mark_is_written_in_several_parts() {
    for ring in [1, 2, 7, 64, 149, 150, 600] {
        for then in [Then::Close, Then::Finish] {
            let ends = [End::default(), End::sends(&bytes(ring), then)];
            let [outer, above] = run_filtered::<Signed>((ring, ring), ends);
            let expected = [bytes(ring), bytes(LONG)].concat();
            assert!(outer.received == expected, "rings of {ring}: {}", outer.received.len());
            assert!(outer.events.contains(&ConnEvent::Eof));
            assert_eq!(above.how_it_ended(), Some(ConnEnd::Closed));
        }
    }
}

/// The peer must not treat incomplete data as complete.
#[test]
fn a_mark_that_never_fits_is_an_error_and_is_not_left_out() {
    for ring in [1, 2] {
        for then in [Then::Close, Then::Finish] {
            // The result must be the same if the peer has already ended its stream.
            for outer in [Then::Nothing, Then::Finish] {
                let ends = [End::sends(b"", outer), End::sends(b"", then)];
                let [outer, above] = run_filtered::<Triple>((8, ring), ends);
                assert!(!outer.events.contains(&ConnEvent::Eof), "rings of {ring}");
                assert_eq!(outer.how_it_ended(), Some(ConnEnd::Failed(ConnError::Reset)));
                if then == Then::Finish {
                    assert_eq!(above.how_it_ended(), Some(ConnEnd::Failed(ConnError::Filter)));
                }
            }
        }
    }
}

/// Without a reset, the peer would treat incomplete data as complete.
#[test]
fn a_connection_that_is_ended_directly_below_its_filter_is_reset() {
    let actions: [fn(&mut ConnMut<App>); 2] = [|conn| conn.finish(), |conn| conn.close()];
    for (act, after) in actions.into_iter().flat_map(|act| [0, 1, 2, 3].map(|after| (act, after))) {
        with_pool((8, 8), |base, app, pool| {
            let ends = [End::default(), End::sends(&bytes(90), Then::Nothing)];
            let [outer, below, top] = filtered::<Xor>(base, app, pool, ends);
            let mut clock = Clock { now: base.now(), actions: Vec::new() };
            base.begin(Run::DEFAULT);
            (0..after).for_each(|_| drop(base.iterate(app, &mut clock)));
            act(&mut base.conn(below).unwrap());
            run(base, app).unwrap();
            let reset = Some(ConnEnd::Failed(ConnError::Reset));
            assert_eq!([outer, top].map(|conn| app.ends[&conn].how_it_ended()), [reset; 2]);
            assert!(!app.ends[&outer].events.contains(&ConnEvent::Eof), "after {after} iterations");
        });
    }
}

/// A simulation found a bug: while there was no room below the filter, the filter was called in an endless loop.
#[test]
fn a_close_above_waits_for_room_below_without_iterations() {
    with_pool((8, 8), |base, app, pool| {
        let ends = [End::default(), End::sends(&bytes(12), Then::Close)];
        let [outer, _, top] = filtered::<Xor>(base, app, pool, ends);
        base.conn(outer).unwrap().disable(Direction::Read);
        let mut clock = Clock { now: base.now(), actions: Vec::new() };
        base.begin(Run::DEFAULT);
        let iterations = (0..100).take_while(|_| {
            let _ = base.iterate(app, &mut clock);
            base.now() == Instant::ZERO
        });
        assert!(iterations.count() < 100, "the loop does not wait");
        assert_eq!(app.ends[&top].how_it_ended(), Some(ConnEnd::Closed));
        base.conn(outer).unwrap().enable(Direction::Read);
        run(base, app).unwrap();
    });
}

/// Random calls found a bug: the connection below the filter was never freed. In this test the pool `small` is full, so
/// the first connection of a new pair takes the slot of the lingering connection above the filter.
#[test]
fn a_connection_above_a_filter_that_is_evicted_ends_the_one_below() {
    let mut storage = Box::new(Storage::<App, 1, 4, 64, 1, 2>::new());
    let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
    let pools = [Pool::new(3), Pool::new(1)].map(|pool| pool.rings(8, 8).in_memory());
    let [pool, small] = base.add_pools(pools).unwrap();
    let ends = [(pool, &SETTINGS, on_event as _); 2];
    let [outer, below] = base.pair_with(ends).unwrap();
    let top = base.conn(below).unwrap().filter::<Xor, Above>(small).unwrap();
    app.ends.insert(top, End::sends(b"all", Then::Close));
    let mut clock = Clock { now: base.now(), actions: Vec::new() };
    base.conn(outer).unwrap().disable(Direction::Read);
    iterations(&mut base, &mut app, &mut clock);
    assert!(base.is_lingering(top), "the other end has not ended");
    let second = base.pair_with(ends.map(|(_, settings, call)| (small, settings, call)));
    assert_eq!(second, Err(SetupError::PoolFull), "there is one slot");
    base.conn(outer).unwrap().enable(Direction::Read);
    run(&mut base, &mut app).unwrap();
    assert_eq!((base.counts().conns, app.ends[&outer].received.len()), (0, 3));
}

/// A program calls `close_all` at its end, and no callbacks run after that. So the filter cannot write its last bytes.
/// Therefore the connection below must be reset, unless the filter has already finished.
#[test]
fn close_all_resets_a_stream_that_its_filter_has_not_finished() {
    for (writes, is_done) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut storage = Box::new(Storage::<App, 1, 4, 64, 1, 2>::new());
        let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
        let pools = [Pool::new(1).rings(8, 8), Pool::new(2).rings(8, 8).in_memory()];
        let [sockets, memory] = base.add_pools(pools).unwrap();
        let peer = "192.0.2.7:4242".parse().unwrap();
        let listener = base.listen_with(peer, sockets, &SETTINGS, on_event).unwrap();
        let below = base.accepted(listener, peer).unwrap();
        let mut clock = Clock { now: base.now(), actions: Vec::new() };
        iterations(&mut base, &mut app, &mut clock);
        let middle = base.conn(below).unwrap().filter::<Xor, Above>(memory).unwrap();
        let top = base.conn(middle).unwrap().filter::<Triple, Above>(memory).unwrap();
        iterations(&mut base, &mut app, &mut clock);
        let mut view = base.conn(top).unwrap();
        if writes {
            view.write(b"a").unwrap();
        }
        if is_done {
            view.finish();
            iterations(&mut base, &mut app, &mut clock);
        }
        base.close_all();
        base.sent(below, 8);
        let actions: Vec<_> = std::iter::from_fn(|| base.next_action()).collect();
        assert_eq!(actions.contains(&Action::End(below)), is_done, "{actions:?}");
        assert_eq!(actions.contains(&Action::Reset(below)), !is_done, "{actions:?}");
    }
}

/// Runs iterations until there is nothing to do.
fn iterations(base: &mut EventBase<App>, app: &mut App, clock: &mut Clock) {
    base.begin(Run::NONBLOCK);
    while base.iterate(app, clock) == Poll::Ready(Ok(None)) {}
}

#[test]
fn two_filters_are_stacked_under_an_echo() {
    for ring in [3, 8, 100] {
        with_pool((ring, ring), |base, app, pool| {
            let sent: Vec<u8> = tripled(&bytes(700)).iter().map(|byte| byte ^ 0x5a).collect();
            let ends = [(pool, &SETTINGS, on_event as _); 2];
            let [outer, below] = base.pair_with(ends).unwrap();
            let middle = base.conn(below).unwrap().filter::<Xor, Above>(pool).unwrap();
            let top = base.conn(middle).unwrap().filter::<Triple, Above>(pool).unwrap();
            app.ends.insert(outer, End::sends(&sent, Then::Finish));
            app.ends.insert(top, End::echoes());
            run(base, app).unwrap();
            let received = &app.ends[&outer].received;
            let back: Vec<u8> = received.iter().map(|byte| byte ^ 0x5a).collect();
            let mut expected = tripled(&bytes(700));
            expected.extend_from_slice(MARK);
            assert!(back == expected, "rings of {ring}: {} bytes", back.len());
            assert_eq!(app.ends[&top].how_it_ended(), Some(ConnEnd::Closed));
        });
    }
}

#[test]
fn a_filter_that_fails_ends_both_sides() {
    let mut wrong = tripled(&bytes(50));
    wrong[100] ^= 1;
    let ends = [End::sends(&wrong, Then::Nothing), End::default()];
    let [outer, above] = run_filtered::<Triple>((64, 64), ends);
    assert!(bytes(50).starts_with(&above.received));
    assert_eq!(above.how_it_ended(), Some(ConnEnd::Failed(ConnError::Filter)));
    assert_eq!(outer.how_it_ended(), Some(ConnEnd::Failed(ConnError::Reset)));
}

#[test]
fn a_unit_that_never_fits_is_an_error_and_does_not_hang() {
    // The stream ends with an incomplete unit, that is, with less than three equal bytes.
    let ends = [End::sends(b"aaab", Then::Finish), End::default()];
    let [_, above] = run_filtered::<Triple>((64, 64), ends);
    assert_eq!(above.received, b"a");
    assert_eq!(above.how_it_ended(), Some(ConnEnd::Failed(ConnError::Filter)));
    // The rings are shorter than a unit.
    for ring in [1, 2] {
        let ends = [End::sends(b"aaabbb", Then::Nothing), End::default()];
        let [_, above] = run_filtered::<Triple>((ring, 8), ends);
        assert_eq!(above.how_it_ended(), Some(ConnEnd::Failed(ConnError::Filter)));
        let ends = [End::default(), End::sends(b"ab", Then::Nothing)];
        let [_, above] = run_filtered::<Triple>((8, ring), ends);
        assert_eq!(above.how_it_ended(), Some(ConnEnd::Failed(ConnError::Filter)));
    }
}

#[test]
fn a_reset_goes_up_and_an_abort_goes_down() {
    let [_, above] = run_filtered::<Xor>((8, 8), [End::sends(b"", Then::Abort), End::default()]);
    assert_eq!(above.how_it_ended(), Some(ConnEnd::Failed(ConnError::Reset)));
    let [outer, _] = run_filtered::<Xor>((8, 8), [End::default(), End::sends(b"", Then::Abort)]);
    assert_eq!(outer.how_it_ended(), Some(ConnEnd::Failed(ConnError::Reset)));
}

#[test]
fn each_of_the_three_connections_can_be_ended_at_any_time() {
    let actions: [fn(&mut ConnMut<App>); 3] =
        [|conn| conn.close(), |conn| conn.abort(), |conn| conn.finish()];
    for (act, victim) in actions.iter().flat_map(|act| (0..3).map(move |victim| (act, victim))) {
        for after in 0..12 {
            with_pool((5, 5), |base, app, pool| {
                let ends = [
                    End::sends(&tripled(&bytes(30)), Then::Finish),
                    End::sends(&bytes(40), Then::Finish),
                ];
                let conns = filtered::<Triple>(base, app, pool, ends);
                let mut clock = Clock { now: base.now(), actions: Vec::new() };
                base.begin(Run::DEFAULT);
                for iteration in 0..1_000 {
                    if iteration == after
                        && let Ok(mut conn) = base.conn(conns[victim])
                    {
                        act(&mut conn);
                    }
                    if base.iterate(app, &mut clock) != Poll::Ready(Ok(None)) {
                        break;
                    }
                }
                base.close_all();
                let _ = base.drain(&mut clock);
                run(base, app).unwrap();
                let [outer, _, top] = conns;
                assert!(app.ends[&outer].how_it_ended().is_some());
                assert!(
                    app.ends[&top].how_it_ended().is_some() || app.ends[&top].events.is_empty()
                );
                assert_eq!(app.ended, [top], "the end is reported to the filter once");
                assert!(
                    tripled(&bytes(40)).starts_with(
                        app.ends[&outer]
                            .received
                            .strip_suffix(MARK)
                            .unwrap_or(&app.ends[&outer].received)
                    )
                );
                assert!(bytes(30).starts_with(&app.ends[&top].received));
            });
        }
    }
}

#[test]
fn a_connection_with_a_filter_gets_no_second_filter_and_has_no_timeouts() {
    with_pool((8, 8), |base, app, pool| {
        let [outer, below, top] =
            filtered::<Xor>(base, app, pool, [End::default(), End::default()]);
        let mut conn = base.conn(below).unwrap();
        assert_eq!(conn.filter::<Xor, Above>(pool), Err(SetupError::NotFiltered));
        conn.set_timeouts(Some(Duration::from_secs(1)), None).alarm_after(Duration::from_secs(1));
        assert_eq!(run(base, app), Err(Stuck), "no timeout comes");
        assert_eq!(base.conn(top).unwrap().partner(), Some(below));
        assert_eq!(base.conn(top).unwrap().peer_addr(), None);
        base.conn(outer).unwrap().close();
        run(base, app).unwrap();
    });
}

/// A protocol with a connect timeout. It aborts the connection when the timeout is reported.
struct Impatient;

impl Protocol<App> for Impatient {
    const CONNECT: Option<Duration> = Some(Duration::from_secs(3));

    fn readable(_: &mut App, _: &mut ConnMut<App>) {}

    fn stalled(app: &mut App, conn: &mut ConnMut<App>) {
        app.called.push((conn.id(), ConnEvent::Timeout(Direction::Write)));
        conn.abort();
    }

    fn alarm(app: &mut App, conn: &mut ConnMut<App>) {
        app.called.push((conn.id(), ConnEvent::Alarm));
    }
}

#[test]
fn the_connect_timeout_of_a_connection_above_a_filter_counts_from_its_start() {
    for has_alarm in [false, true] {
        with_pool((8, 8), |base, app, pool| {
            let sockets = base.add_pool(Pool::new(1).rings(8, 8)).unwrap();
            base.advance(Instant::from_micros(100_000_000));
            let peer = "192.0.2.7:4242".parse().unwrap();
            let below = base.connect_with(peer, sockets, &SETTINGS, on_event).unwrap();
            let top = base.conn(below).unwrap().filter::<Xor, Impatient>(pool).unwrap();
            if has_alarm {
                base.conn(top).unwrap().alarm_after(Duration::from_secs(1));
            }
            let mut clock = Clock { now: base.now(), actions: Vec::new() };
            base.begin(Run::DEFAULT);
            while base.iterate(app, &mut clock) == Poll::Ready(Ok(None)) {}
            let alarm = has_alarm.then_some((top, ConnEvent::Alarm));
            let timeout = (top, ConnEvent::Timeout(Direction::Write));
            assert_eq!(app.called, Vec::from_iter(alarm.into_iter().chain([timeout])));
            assert_eq!(clock.now, Instant::from_micros(103_000_000));
            assert_eq!(clock.actions.last(), Some(&Action::Reset(below)));
        });
    }
}

/// A connection with a filter above it. Returns both connections. With `waits`, the application has waited for 50 bytes
/// of input before it added the filter.
fn over_a_socket(base: &mut EventBase<App>, app: &mut App, pool: PoolId, waits: bool) -> [Conn; 2] {
    let sockets = base.add_pool(Pool::new(1).rings(64, 64)).unwrap();
    let peer = "192.0.2.7:4242".parse().unwrap();
    let below = base.connect_with(peer, sockets, &SETTINGS, on_event).unwrap();
    base.connected(below);
    base.dispatch(app);
    let mut conn = base.conn(below).unwrap();
    if waits {
        conn.wait_for_input(50);
    }
    let above = conn.filter::<Xor, Above>(pool).unwrap();
    base.dispatch(app);
    [below, above]
}

/// Runs five passes, and takes the actions before each pass, like a back end.
fn passes(base: &mut EventBase<App>, app: &mut App) {
    for _ in 0..5 {
        while base.next_action().is_some() {}
        base.dispatch(app);
    }
    while base.next_action().is_some() {}
}

fn feed(base: &mut EventBase<App>, conn: Conn, bytes: &[u8]) {
    let (space, _) = base.input(conn).unwrap();
    space[..bytes.len()].copy_from_slice(bytes);
    base.received(conn, bytes.len());
}

#[test]
fn input_before_a_failure_reaches_the_connection_above() {
    with_pool((64, 64), |base, app, pool| {
        let [below, above] = over_a_socket(base, app, pool, false);
        let mut input = [0; 10];
        let moved = xor(&bytes(10), &mut input);
        assert_eq!(moved, Ok((10, 10)));
        feed(base, below, &input);
        base.failed(below, ConnError::Reset);
        passes(base, app);
        let end = &app.ends[&above];
        assert_eq!(end.received, bytes(10));
        assert_eq!(end.how_it_ended(), Some(ConnEnd::Failed(ConnError::Reset)));
        assert_eq!(app.ended, []);
    });
}

#[test]
fn a_filter_gets_each_byte_although_the_application_waited_for_more() {
    with_pool((64, 64), |base, app, pool| {
        let [below, above] = over_a_socket(base, app, pool, true);
        feed(base, below, b"x");
        passes(base, app);
        assert_eq!(app.ends[&above].received.len(), 1);
        base.failed(below, ConnError::Reset);
        passes(base, app);
    });
}

/// A filter whose units have two bytes. It swaps the bytes of each unit.
struct Swap;

fn swap(from: &[u8], to: &mut [u8]) -> Moved {
    let units = from.chunks_exact(2).zip(to.chunks_exact_mut(2));
    let amount = units.map(|(from, to)| to.copy_from_slice(&[from[1], from[0]])).count() * 2;
    Ok((amount, amount))
}

impl Filter<App> for Swap {
    fn input(_: &mut App, _: Conn, from: &[u8], to: &mut [u8]) -> Moved {
        swap(from, to)
    }

    fn output(_: &mut App, _: Conn, from: &[u8], to: &mut [u8]) -> Moved {
        swap(from, to)
    }
}

/// Runs iterations until the loop would wait.
fn run_until_wait(base: &mut EventBase<App>, app: &mut App) {
    let mut clock = Clock { now: base.now(), actions: Vec::new() };
    base.begin(Run::DEFAULT);
    while let Poll::Ready(Ok(None)) = base.iterate(app, &mut clock) {}
}

/// The units are divided by the end of the ring above the filter, or by the beginning or the end of static bytes.
#[test]
fn a_unit_is_passed_to_the_filter_in_one_piece() {
    for ring in [3, 5, 7, 65] {
        let mut slots = [picoevent::memory::StaticSlot::new(); 2];
        let mut storage = Box::new(Storage::<App, 2, 8, 16384, 1, 2>::new());
        let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
        base.set_static_slots(&mut slots).unwrap();
        let pool = base.add_pool(Pool::new(6).rings(ring, ring).in_memory()).unwrap();
        let [outer, _, top] =
            filtered::<Swap>(&mut base, &mut app, pool, [End::default(), End::default()]);
        run_until_wait(&mut base, &mut app);
        let mut written = Vec::new();
        for round in 0..20 {
            let mut conn = base.conn(top).expect("the filter has not failed");
            match round % 5 {
                4 if conn.write_static(b"static").is_ok() => written.extend(b"static"),
                4 => {}
                odd => {
                    let amount = conn.write_some(&bytes(ring - odd % 2));
                    written.extend(&bytes(ring)[..amount]);
                }
            }
            run_until_wait(&mut base, &mut app);
        }
        let whole = written.len() & !1;
        let mut swapped = vec![0; whole];
        swap(&written[..whole], &mut swapped).unwrap();
        assert!(app.ends[&outer].received == swapped, "rings of {ring}");
        // A part of a unit cannot be sent.
        base.conn(top).unwrap().finish();
        run_until_wait(&mut base, &mut app);
        let failed = Some(ConnEnd::Failed(ConnError::Filter));
        let expected = if written.len() == whole { None } else { failed };
        assert_eq!(app.ends[&top].how_it_ended(), expected);
        base.close_all();
        run_until_wait(&mut base, &mut app);
    }
}

/// The lower filter leaves a part of a unit in the ring. So the ring is never empty.
#[test]
fn a_filter_continues_when_the_connection_below_has_some_room() {
    with_pool((9, 9), |base, app, pool| {
        let [outer, _, middle] =
            filtered::<Swap>(base, app, pool, [End::default(), End::default()]);
        let top = base.conn(middle).unwrap().filter::<Xor, Above>(pool).unwrap();
        let data = bytes(300);
        app.ends.insert(top, End::sends(&data, Then::Nothing));
        run_until_wait(base, app);
        assert_eq!(app.ends[&outer].received.len(), data.len());
        base.conn(top).unwrap().close();
        run(base, app).unwrap();
    });
}

#[test]
fn a_filter_that_gets_too_little_room_for_the_low_mark_fails() {
    with_pool((7, 16), |base, app, pool| {
        let [outer, _, top] = filtered::<Swap>(base, app, pool, [End::default(), End::default()]);
        run_until_wait(base, app);
        base.conn(top).unwrap().wait_for_input(7);
        base.conn(outer).unwrap().write(&[1; 14]).unwrap();
        base.conn(outer).unwrap().finish();
        run(base, app).unwrap();
        assert_eq!(app.ends[&top].how_it_ended(), Some(ConnEnd::Failed(ConnError::Filter)));
    });
}

#[test]
fn a_half_closed_connection_gets_no_filter() {
    with_pool((8, 8), |base, app, pool| {
        let [one, other] = base.pair_with([(pool, &SETTINGS, on_event as _); 2]).unwrap();
        base.conn(one).unwrap().finish();
        let error = base.conn(one).unwrap().filter::<Xor, Above>(pool);
        assert_eq!(error, Err(SetupError::NotFiltered));
        base.conn(one).unwrap().close();
        base.conn(other).unwrap().close();
        run(base, app).unwrap();
    });
}
