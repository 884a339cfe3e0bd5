//! How the task sleeps: who may wake it, and when.
//!
//! A socket is watched only for what the loop waits for. That still is a mutable access, and makes
//! the stack's runner work once for each turn of the loop; a socket's waker works only once, and
//! whether it was used since can not be seen, so it is set each time.

use core::task::Context;

use picoevent::{EventBase, Instant};

use crate::adapter::Adapter;
use crate::slot::{Role, Slot};
use crate::time;

impl<A, O> Adapter<'_, '_, '_, A, O> {
    /// Sees to it that news, and the deadline of the base or of a socket, wake the task.
    pub(crate) fn sleep(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) {
        for slot in self.pool.slots.iter_mut() {
            watch(slot, self.base, cx);
        }
        self.pool.network.wake_on_change(cx);
        let at = deadline.unwrap_or(Instant::MAX).min(self.pool.alarm);
        if at < Instant::MAX {
            time::wake_at(at, cx);
        }
    }
}

fn watch<A>(slot: &mut Slot<'_>, base: &mut EventBase<'_, A>, cx: &mut Context<'_>) {
    let (input, output) = match slot.role {
        Role::Free | Role::Queued(_) => (false, false),
        // Every change of state wakes who waits for input.
        Role::Listening(_) => (true, false),
        Role::Waiting(_) | Role::Connecting(_) | Role::Resetting => (false, true),
        Role::Open(conn) => {
            let input = base.input(conn).is_some();
            // One of the two is needed at least, to hear of a reset.
            (input, !input || !base.output(conn).0.is_empty())
        }
        Role::Closing(_) => (true, true),
        Role::Lingering | Role::Finished => (true, false),
    };
    if input {
        slot.socket.wake_on_input(cx);
    }
    if output {
        slot.socket.wake_on_output(cx);
    }
}
