//! Features that only a connection's rings have: static bytes, finished and closed streams, and callbacks.

use picoevent::memory::StaticSlot;
use picoevent::{
    Conn, ConnEvent, ConnMut, EventBase, LineError, Pool, Settings, Storage, WriteError,
};

static SETTINGS: Settings = Settings::new();

/// The events of the connection, with the lengths of its input and output when the callback ran.
#[derive(Default)]
struct App {
    calls: Vec<(ConnEvent, usize, usize)>,
    drains: bool,
}

impl App {
    fn record(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        self.calls.push((event, conn.input_len(), conn.output_len()));
        if self.drains {
            conn.consume(usize::MAX);
        }
    }
}

/// Calls `work` with an open connection whose rings have 64 bytes.
fn on_a_conn(work: impl FnOnce(&mut EventBase<'_, App>, &mut App, Conn)) {
    let mut storage = Storage::<App, 1, 1, 128>::new();
    let mut slots = [StaticSlot::new(); 3];
    let mut base = EventBase::new(&mut storage);
    base.set_static_slots(&mut slots).unwrap();
    let pool = base.add_pool(Pool::new(1).rings(64, 64)).unwrap();
    let address = "192.0.2.7:4242".parse().unwrap();
    let listener = base.listen_with(address, pool, &SETTINGS, App::record).unwrap();
    let conn = base.accepted(listener, address).unwrap();
    let mut app = App::default();
    dispatch(&mut base, &mut app);
    assert_eq!(std::mem::take(&mut app.calls), [(ConnEvent::Opened, 0, 0)]);
    work(&mut base, &mut app, conn);
}

fn dispatch(base: &mut EventBase<'_, App>, app: &mut App) {
    while base.next_action().is_some() {}
    base.dispatch(app);
}

fn feed(base: &mut EventBase<'_, App>, conn: Conn, data: &[u8]) {
    let (first, second) = base.input(conn).unwrap();
    first.iter_mut().chain(second).zip(data).for_each(|(room, byte)| *room = *byte);
    base.received(conn, data.len());
}

/// Sends up to `most` bytes. Returns the sent bytes.
fn send(base: &mut EventBase<'_, App>, conn: Conn, most: usize) -> Vec<u8> {
    let mut sent = Vec::new();
    while sent.len() < most && !base.output(conn).0.is_empty() {
        let (first, second) = base.output(conn);
        let part = first.iter().chain(second).copied().take(most - sent.len());
        let before = sent.len();
        sent.extend(part);
        base.sent(conn, sent.len() - before);
    }
    sent
}

/// libevent calls a function of the program when the referenced memory is no longer needed. Here the bytes are static
/// and never freed, so no function is called.
#[test]
fn reference() {
    static DATA: &[u8] = b"this is read-only memory.";
    on_a_conn(|base, _, conn| {
        base.conn(conn).unwrap().write_static(DATA).unwrap();
        assert_eq!(base.output(conn).0.as_ptr_range(), DATA.as_ptr_range(), "it is not copied");
        assert_eq!(send(base, conn, 10), DATA[..10]);
        assert_eq!(base.output(conn).0.as_ptr_range(), DATA[10..].as_ptr_range());
        assert_eq!(send(base, conn, usize::MAX), DATA[10..]);
        assert_eq!(base.conn(conn).unwrap().output_len(), 0);
    });
}

#[test]
fn reference2() {
    on_a_conn(|base, _, conn| {
        let mut view = base.conn(conn).unwrap();
        view.write(&[b'P'; 50]).unwrap();
        view.write_with(14, |_| 0).unwrap();
        view.write_static(b"2").unwrap();
        write!(view, "3").unwrap();
        assert_eq!(view.output_len(), 52);
        assert_eq!(send(base, conn, usize::MAX)[49..], *b"P23");
    });
}

/// libevent moves the remaining bytes to another buffer. Here everything is sent to the peer.
#[test]
fn add_reference() {
    const FIRST: &[u8] = b"If an answer was found";
    const SECOND: &[u8] = b"it should be written down";
    on_a_conn(|base, _, conn| {
        let mut view = base.conn(conn).unwrap();
        view.write_static(FIRST).unwrap();
        view.write(b", ").unwrap();
        view.write_static(SECOND).unwrap();
        assert_eq!(view.output_len(), FIRST.len() + 2 + SECOND.len());
        assert_eq!(
            (send(base, conn, 5), send(base, conn, 7)),
            (b"If an".into(), b" answer".into())
        );
        assert_eq!(send(base, conn, FIRST.len() - 13), b" was foun");
        assert_eq!(send(base, conn, 1), b"d", "the last byte of the first slice");
        assert_eq!(send(base, conn, 6), b", it s");
        let mut view = base.conn(conn).unwrap();
        assert_eq!(view.output_len(), SECOND.len() - 4);
        // The connection is aborted with static slices in its output.
        view.write_static(b"ketchup bottle").unwrap();
        view.abort();
        assert_eq!(base.output(conn).0, b"");
    });
}

/// A slice of the static bytes corresponds to libevent's offset.
#[test]
fn add_reference_with_offset() {
    static DATA: &[u8] = b"read-only memory with an offset";
    on_a_conn(|base, _, conn| {
        let mut view = base.conn(conn).unwrap();
        for (offset, length) in [(10, 6), (0, 10), (DATA.len(), 0)] {
            view.write_static(&DATA[offset..offset + length]).unwrap();
        }
        assert_eq!(send(base, conn, usize::MAX), b"memoryread-only ");
    });
}

/// An empty slice takes no slot and no room. libevent's test prepends the slices; here the output has no method to
/// prepend bytes.
#[test]
fn empty_reference_prepend() {
    on_a_conn(|base, _, conn| {
        let mut view = base.conn(conn).unwrap();
        for _ in 0..5 {
            view.write_static(b"").unwrap();
        }
        assert_eq!((view.output_len(), view.room()), (0, 64));
        view.write(b"foo").unwrap();
        assert_eq!(send(base, conn, usize::MAX), b"foo");
    });
}

/// Empty slices and text are prepended to the input. Bytes that are put back come before new input.
#[test]
fn empty_reference_prepend_buffer() {
    on_a_conn(|base, _, conn| {
        let mut view = base.conn(conn).unwrap();
        view.prepend(b"").unwrap();
        view.prepend(b"foo").unwrap();
        feed(base, conn, b"bar");
        let mut view = base.conn(conn).unwrap();
        view.prepend(b"").unwrap();
        assert_eq!(view.contiguous(6).unwrap(), b"foobar");
    });
}

/// A finished connection accepts no output by any method. Its input is not affected.
#[test]
fn freeze_end() {
    on_a_conn(|base, _, conn| {
        base.conn(conn).unwrap().write(b"before").unwrap();
        feed(base, conn, b"a line\nand more");
        let mut view = base.conn(conn).unwrap();
        view.finish();
        let finished = WriteError::Finished;
        assert_eq!((view.write(b""), view.write_some(b"abc")), (Err(finished), 0));
        assert_eq!(view.write_with(10, |_| 10), Err(finished));
        assert_eq!(view.write_static(b"static"), Err(finished));
        assert_eq!(write!(view, "Hello {}", "world"), Err(finished));
        assert_eq!((view.transfer(conn), view.output_len()), (Ok(0), 6));
        let mut byte = [0; 1];
        assert_eq!((view.read(&mut byte), view.consume(1), view.prepend(b"dummy")), (1, 1, Ok(())));
        assert_eq!(view.read_line(&mut [0; 16]), Some(Ok("dummyline")));
    });
}

/// No method returns input of a closed connection.
#[test]
fn freeze_start() {
    on_a_conn(|base, _, conn| {
        base.conn(conn).unwrap().write(b"before").unwrap();
        feed(base, conn, b"a line\nand more");
        let mut view = base.conn(conn).unwrap();
        view.close();
        assert_eq!((view.read(&mut [0; 1]), view.consume(3)), (0, 0));
        assert_eq!(view.prepend(b"dummy"), Err(WriteError::Finished));
        let mut buffer = [0; 8];
        let lines: [Option<Result<&str, LineError>>; 1] = [view.read_line(&mut buffer)];
        assert_eq!((lines, view.input_len()), ([None], 0));
        assert!(view.transfer(conn).is_err());
        assert_eq!(send(base, conn, usize::MAX), b"before", "its output is still sent");
    });
}

/// If the peer causes changes in a connection's rings, the next pass reports them. Several changes are reported in one
/// callback. Changes by the application itself are not reported.
#[test]
fn callbacks() {
    on_a_conn(|base, app, conn| {
        feed(base, conn, b"The 2 magic words ");
        feed(base, conn, b"are spotty pudding");
        dispatch(base, app);
        assert_eq!(std::mem::take(&mut app.calls), [(ConnEvent::Readable, 36, 0)]);
        let mut view = base.conn(conn).unwrap();
        view.consume(10);
        view.prepend(b"Hello").unwrap();
        view.write_static(b"Goodbye").unwrap();
        dispatch(base, app);
        assert_eq!(app.calls, []);
        send(base, conn, 6);
        dispatch(base, app);
        assert_eq!(app.calls, [], "one byte is unsent");
        send(base, conn, 1);
        dispatch(base, app);
        assert_eq!(std::mem::take(&mut app.calls), [(ConnEvent::Writable, 31, 0)]);
        // A callback may drain the ring for which it is called.
        app.drains = true;
        feed(base, conn, b"drained right away");
        dispatch(base, app);
        assert_eq!(app.calls, [(ConnEvent::Readable, 49, 0)]);
        assert_eq!(base.conn(conn).unwrap().input_len(), 0);
    });
}
