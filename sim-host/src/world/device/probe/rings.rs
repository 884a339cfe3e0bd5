//! Checks that the device's rings are large enough for the application's writes and reads.

use picoevent::{Conn, EventBase, Fired};

/// The probe's observations of the rings.
#[derive(Default)]
pub(crate) struct Rings {
    /// The ring sizes of the connection whose callback ran last, in bytes.
    input: usize,
    output: usize,
    longest_write: usize,
    /// The first write that was longer than the output ring of its connection: the length of the write, and the size of
    /// the ring.
    too_long: Option<(usize, usize)>,
    /// The connection whose callback is running, if it is stalled (see [`is_stalled`]).
    called: Option<Conn>,
    /// The application closed or freed a stalled connection.
    gave_up: bool,
    /// A connection is stalled while the loop sleeps.
    waits: bool,
}

impl Rings {
    /// Handles the beginning of a callback.
    pub(super) fn before<A>(&mut self, base: &mut EventBase<'_, A>, fired: &Fired<A>) {
        let conn = match *fired {
            Fired::Conn(_, conn, _) => conn,
            Fired::Event(..) | Fired::ListenError(..) | Fired::Udp(_) => return,
        };
        if let Ok(conn) = base.conn(conn) {
            (self.input, self.output) = conn.ring_sizes();
        }
        self.called = is_stalled(base, conn).then_some(conn);
    }

    /// Handles the end of a callback.
    pub(super) fn after<A>(&mut self, base: &mut EventBase<'_, A>) {
        let longest = base.longest_write();
        if longest > self.longest_write {
            // The callback may have written to any connection. So only a write that is longer than every ring was
            // certainly too long.
            let conns: Vec<_> = base.conns().collect();
            let ring = |conn| base.conn(conn).map_or(0, |conn| conn.ring_sizes().1);
            let output = conns.into_iter().map(ring).max().unwrap_or(0).max(self.output);
            if longest > output && output > 0 {
                self.too_long.get_or_insert((longest, output));
            }
        }
        self.longest_write = longest;
        self.gave_up |= self.called.take().is_some_and(|conn| base.conn(conn).is_err());
    }

    /// Handles the moment before the loop sleeps. `conns` are the connections of the base.
    pub(super) fn idle<A>(&mut self, base: &mut EventBase<'_, A>, conns: &[Conn]) {
        self.waits = conns.iter().any(|conn| is_stalled(base, *conn));
    }

    /// Returns a message about a ring that was too small for the application, or `None` if no ring was too small.
    /// `unserved` means that a client is not served yet.
    pub(crate) fn too_small(&self, unserved: bool) -> Option<String> {
        let Self { input, too_long, .. } = self;
        if let Some((length, output)) = too_long {
            return Some(format!(
                "the application wrote {length} bytes at once, and the output ring has {output}: a \
                 test can leave such devices out with min_output_ring({length})"
            ));
        }
        (unserved && (self.waits || self.gave_up)).then(|| {
            format!(
                "the application took nothing from a full input ring of {input} bytes: if it \
                 needs more at once, a test can leave such devices out with min_input_ring"
            )
        })
    }
}

/// Returns whether the input ring is full and only the application can empty it.
fn is_stalled<A>(base: &mut EventBase<'_, A>, conn: Conn) -> bool {
    base.conn(conn).is_ok_and(|conn| {
        conn.input_len() == conn.ring_sizes().0
            && conn.output_len() == 0
            && conn.is_enabled(picoevent::Direction::Read)
    })
}
