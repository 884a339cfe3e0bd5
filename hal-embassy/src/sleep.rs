//! How the task sleeps: what may wake it, and when.
//!
//! A socket is watched only for what the loop waits for, and only if it was used or looked at since
//! it was watched last: its waker works once, and waking it marks the socket ([`ready`]). Each watch
//! is a mutable access, which makes the stack's runner work once.

use core::task::{Context, Waker};

use picoevent::{EventBase, Instant};

use crate::adapter::Adapter;
use crate::ready;
use crate::slot::{Role, Slot};
use crate::time;

impl<A, O> Adapter<'_, '_, '_, A, O> {
    /// Makes news, and the deadline of the base or of a socket, wake the task.
    pub(crate) fn sleep(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) {
        self.watch(cx.waker());
        let at = deadline.unwrap_or(Instant::MAX).min(self.pool.alarm);
        if at < Instant::MAX {
            time::wake_at(at, cx);
        }
    }

    /// Makes news wake the task.
    #[inline(never)]
    pub(crate) fn watch(&mut self, task: &Waker) {
        let pool = &mut self.pool;
        let unwatched = core::mem::take(&mut pool.unwatched);
        for (index, slot) in pool.slots.iter_mut().enumerate() {
            if unwatched & ready::mask(index) != 0 {
                watch(slot, self.base, &pool.ready.waker(ready::bit(index), task));
            }
        }
        pool.env.network.wake_on_change(&pool.ready.waker(ready::NETWORK, task));
    }
}

fn watch<A>(slot: &mut Slot<'_>, base: &mut EventBase<'_, A>, waker: &Waker) {
    let (input, output) = match slot.role {
        Role::Free | Role::Queued(_) => (false, false),
        // Every change of state wakes the waker for input.
        Role::Listening(_) => (true, false),
        Role::Waiting(_) | Role::Connecting(_) | Role::Resetting => (false, true),
        Role::Open(conn) => {
            let input = base.input(conn).is_some();
            // At least one of the two is needed, to notice a reset.
            (input, !input || !base.output(conn).0.is_empty())
        }
        Role::Closing(_) => (true, true),
        Role::Lingering | Role::Finished => (true, false),
    };
    if input {
        slot.socket.wake_on_input(waker);
    }
    if output {
        slot.socket.wake_on_output(waker);
    }
}
