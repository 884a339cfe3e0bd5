//! Transfers between connections whose pools exchange rings. No byte is copied. All other results are the same as in a
//! transfer that copies the bytes.

use picoevent::{
    Action, Conn, ConnEvent, EventBase, Pool, Settings, SetupError, StaleError, Storage,
};

use crate::same::Random;
use crate::{App, Base, accept, actions, drain, drain_all, feed, open, passes, storage};

const POOL: Pool = Pool::new(1).rings(8, 8).exchanging();

/// Makes a connection in a separate pool.
fn of_pool(base: &mut Base, app: &mut App, pool: Pool) -> Conn {
    let pool = base.add_pool(pool).unwrap();
    accept(base, app, pool)
}

/// Transfers all input of one connection to another. Returns whether the bytes stayed at their address in memory.
fn transfers_without_copy(base: &mut Base, from: Conn, to: Conn) -> bool {
    let mut view = base.conn(from).unwrap();
    let (index, amount) = (view.peek().0.as_ptr(), view.input_len());
    assert_eq!(view.transfer(to), Ok(amount));
    base.output(to).0.as_ptr() == index
}

#[test]
fn transferring_a_whole_input_to_an_empty_output_copies_no_byte() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let [a, b] = [POOL, POOL].map(|pool| of_pool(&mut base, &mut app, pool));
    feed(&mut base, a, b"abcdefgh");
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Readable]);
    actions(&mut base);
    assert!(transfers_without_copy(&mut base, a, b));
    assert_eq!(actions(&mut base), [Action::Send(b), Action::Receive(a)], "as a copy");
    assert_eq!(feed(&mut base, a, b"ijklmnopq"), 8, "the ring in return is as long");
    assert_eq!(drain(&mut base, b, 3), b"abc");
    let mut view = base.conn(a).unwrap();
    assert_eq!(view.transfer(b), Ok(3), "what is left of the output stays, so it is copied");
    assert_eq!(view.peek().0, b"lmnop");
    assert_eq!(drain_all(&mut base, b), b"defghijk");
    // Bytes that wrap at the end of their ring also wrap after the exchange.
    feed(&mut base, a, b"qrs");
    assert_eq!(base.conn(a).unwrap().peek(), (&b"lmnop"[..], &b"qrs"[..]));
    assert!(transfers_without_copy(&mut base, a, b));
    assert_eq!(base.output(b), (&b"lmnop"[..], &b"qrs"[..]));
    assert!(
        !transfers_without_copy(&mut base, a, b),
        "an empty ring is exchanged, but has no bytes to stay"
    );
    assert_eq!(drain_all(&mut base, b), b"lmnopqrs");
}

#[test]
fn a_connection_echoes_without_a_copy_and_the_next_one_in_its_slot_too() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let pool = base.add_pool(POOL).unwrap();
    for _ in 0..3 {
        let conn = accept(&mut base, &mut app, pool);
        feed(&mut base, conn, b"hello");
        assert!(transfers_without_copy(&mut base, conn, conn));
        let mut view = base.conn(conn).unwrap();
        assert_eq!((view.input_len(), view.room()), (0, 3));
        view.write(b"you").unwrap();
        assert_eq!(drain_all(&mut base, conn), b"helloyou");
        base.conn(conn).unwrap().abort();
        passes(&mut base, &mut app);
        assert_eq!(actions(&mut base), [Action::Reset(conn)]);
        assert_eq!(base.conn(conn).map(drop), Err(StaleError));
    }
}

#[test]
fn rings_of_other_sizes_or_with_marks_or_of_other_pools_are_copied() {
    static SHORT: Settings = Settings::new().input_marks(0, 6);
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let [a, longer] = [POOL, POOL.rings(8, 9)].map(|pool| of_pool(&mut base, &mut app, pool));
    let plain = open(&mut base, &mut app, 8, 8);
    for (from, to) in [(a, longer), (a, plain), (plain, a)] {
        feed(&mut base, from, b"abcd");
        assert!(!transfers_without_copy(&mut base, from, to));
        assert_eq!(drain_all(&mut base, to), b"abcd");
    }
    feed(&mut base, longer, b"abcd");
    assert!(transfers_without_copy(&mut base, longer, a), "an input of 8 bytes and an output of 8");
    assert_eq!(drain_all(&mut base, a), b"abcd");
    base.conn(a).unwrap().set_settings(&SHORT).unwrap();
    feed(&mut base, a, b"abcd");
    assert!(!transfers_without_copy(&mut base, a, a), "the mark makes the input ring shorter");
    assert_eq!(drain_all(&mut base, a), b"abcd");
    // If only a part of the input is transferred, this part is copied.
    passes(&mut base, &mut app);
    let b = of_pool(&mut base, &mut app, POOL);
    feed(&mut base, b, b"abcd");
    assert_eq!(base.conn(b).unwrap().transfer_some(b, 3), Ok(3));
    assert_eq!(base.conn(b).unwrap().peek().0, b"d");
    assert_eq!(base.output(b).0, b"abc");
}

#[test]
fn a_pool_that_exchanges_takes_eight_bytes_more_for_each_connection() {
    let mut storage = Storage::<App, 0, 3, 47, 0, 2>::new();
    let mut base = EventBase::new(&mut storage);
    assert_eq!(base.add_pool(POOL.rings(8, 8).spare(1)), Err(SetupError::Bytes { left: 47 }));
    let pool = base.add_pool(Pool::rest().rings(8, 7).exchanging()).unwrap();
    let made = base.pool(pool).unwrap();
    assert_eq!((made, made.bytes()), (Pool::new(2).rings(8, 7).exchanging(), 46));
    assert_ne!(made, Pool::new(2).rings(8, 7));
    let text = "exchanging, 2 connections and 0 spare ones, 8 bytes of input and 7 of output each";
    assert_eq!(made.to_string(), text);
}

/// Runs random operations on four connections. Returns a log of the results.
fn run_random(pools: [Pool; 2], seed: u64) -> Vec<String> {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let pools = pools.map(|pool| base.add_pool(pool).unwrap());
    let mut conns = [0, 0, 1, 1].map(|pool: usize| accept(&mut base, &mut app, pools[pool]));
    let (mut random, mut log) = (Random(seed), Vec::new());
    for _ in 0..2_000 {
        let (index, to) = (random.below(4), random.below(4));
        let (conn, to) = (conns[index], conns[to]);
        let (data, amount) = (random.bytes(9), random.below(9));
        let mut view = base.conn(conn).unwrap();
        let mut bytes = [0; 9];
        let result = match random.below(12) {
            0 | 1 => format!("received {}", feed(&mut base, conn, &data)),
            2 => format!("drained {:?}", drain(&mut base, conn, amount)),
            3 => format!("drained {:?}", drain_all(&mut base, conn)),
            4 | 5 => format!("transferred {:?}", view.transfer(to)),
            6 => format!("transferred {:?}", view.transfer_some(to, amount)),
            7 => format!("written {:?} {}", view.write(&data), view.write_some(&data)),
            8 => format!("read {} {bytes:?}", view.read(&mut bytes[..amount])),
            9 => format!("prepended {:?}", view.prepend(&data)),
            10 => {
                let fill = |room: &mut [u8]| {
                    room.fill(b'w');
                    room.len()
                };
                let written = view.write_with(amount, fill);
                format!("contiguous {:?}, written {written:?}", view.contiguous(amount))
            }
            _ if random.below(8) == 0 => {
                view.abort();
                passes(&mut base, &mut app);
                actions(&mut base);
                conns[index] = accept(&mut base, &mut app, pools[index / 2]);
                "another".to_owned()
            }
            _ => format!("line {:?}", view.take_line(picoevent::Eol::Any)),
        };
        let state = conns.map(|conn| {
            let output = base.output(conn);
            let output = [output.0, output.1].concat();
            let view = base.conn(conn).unwrap();
            format!("{:?} {} {output:?}", [view.peek().0, view.peek().1].concat(), view.room())
        });
        log.push(format!(
            "{result} {state:?} {:?} {:?}",
            actions(&mut base),
            passes(&mut base, &mut app)
        ));
    }
    log
}

#[test]
fn exchanging_rings_and_copying_bytes_have_the_same_results() {
    for (one, other) in [((8, 8), (8, 8)), ((5, 7), (7, 5)), ((1, 1), (1, 3)), ((6, 9), (6, 9))] {
        for seed in 1..6 {
            let pools = [Pool::new(2).rings(one.0, one.1), Pool::new(2).rings(other.0, other.1)];
            let copied = run_random(pools, seed << 32 | 88_172_645);
            let exchanged = run_random(pools.map(Pool::exchanging), seed << 32 | 88_172_645);
            assert_eq!(copied.len(), 2_000);
            let differs = copied.iter().zip(&exchanged).position(|(one, other)| one != other);
            assert_eq!(differs.map(|at| (&copied[at], &exchanged[at])), None);
        }
    }
}
