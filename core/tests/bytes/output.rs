//! Output of a connection that is built directly in the ring.

use picoevent::{ConnEvent, EventBase, WriteError};

use crate::{App, drain, drain_all, open, passes, storage};

#[test]
fn reserved_room_is_contiguous_wherever_the_output_is() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app, 8, 8);
    for shift in 0..8 {
        let mut view = base.conn(conn).unwrap();
        view.write(&b"abcdefgh"[..shift + 1]).unwrap();
        drain(&mut base, conn, shift);
        let written = base.conn(conn).unwrap().write_with(7, |room| {
            room.copy_from_slice(b"1234567");
            7
        });
        assert_eq!(written, Ok(7));
        assert_eq!(drain_all(&mut base, conn)[1..], *b"1234567", "shifted by {shift}");
    }
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Writable]);
}

#[test]
fn write_with_fails_after_the_end_of_the_sending_side() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app, 8, 8);
    let mut view = base.conn(conn).unwrap();
    view.write(b"abc").unwrap();
    assert_eq!(view.write_with(2, |_| 3), Err(WriteError::Unreserved));
    assert_eq!(view.write_with(6, |_| 6), Err(WriteError::Full { room: 5 }));
    view.finish();
    assert_eq!(view.write_with(1, |_| 1), Err(WriteError::Finished));
    assert_eq!(view.output_len(), 3);
}
