//! Checks that the device's rings are large enough for what the application does at once.

use picoevent::{Conn, EventBase, Fired};

/// What the probe knows about the rings.
#[derive(Default)]
pub(crate) struct Rings {
    input: usize,
    output: usize,
    longest_write: usize,
    /// The connection whose callback runs, if it is stalled.
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
            Fired::Conn(_, conn) | Fired::ConnEvent(_, conn, _) => conn,
            Fired::Event(..) | Fired::ListenError(..) => return,
        };
        self.called = is_stalled(base, conn).then_some(conn);
    }

    /// Handles the end of a callback.
    pub(super) fn after<A>(&mut self, base: &mut EventBase<'_, A>) {
        self.longest_write = base.longest_write();
        self.gave_up |= self.called.take().is_some_and(|conn| base.conn(conn).is_err());
    }

    /// Handles the loop going to sleep with these connections.
    pub(super) fn idle<A>(&mut self, base: &mut EventBase<'_, A>, conns: &[Conn]) {
        let sizes = base.sizes();
        (self.input, self.output) = (sizes.input, sizes.output);
        self.waits = conns.iter().any(|conn| is_stalled(base, *conn));
    }

    /// Returns which ring was too small for the application, if one was. `unserved` means that a
    /// client waits for its service.
    pub(crate) fn too_small(&self, unserved: bool) -> Option<String> {
        let Self { input, output, longest_write, .. } = self;
        if longest_write > output {
            return Some(format!(
                "the application wrote {longest_write} bytes at once, and the output ring has \
                 {output}: a test can leave such devices out with min_output_ring({longest_write})"
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

/// Returns whether the input ring is full and only the application could change that.
fn is_stalled<A>(base: &mut EventBase<'_, A>, conn: Conn) -> bool {
    let capacity = base.sizes().input;
    base.conn(conn).is_ok_and(|conn| {
        conn.input_len() == capacity
            && conn.output_len() == 0
            && conn.is_enabled(picoevent::Direction::Read)
    })
}
