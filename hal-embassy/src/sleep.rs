//! Sets the wakers before the task sleeps.
//!
//! A waker works once: when the stack wakes it, the waker sets the bit of its socket ([`ready`]). Setting a waker needs
//! a mutable access to the stack, and each mutable access makes the stack's runner run once. So a socket's waker is set
//! only for the changes that the loop waits for, and only if the socket was used or examined since the waker was last
//! set.

use core::task::Waker;

use picoevent::EventBase;

use crate::ready;
use crate::slot::{Ends, Role, Slot};
use crate::socket_table::{SocketTable, State};

impl SocketTable<'_, '_> {
    /// Sets the wakers of the sockets whose bits are set in `unwatched`, so that a change of such a socket wakes the
    /// task.
    #[inline(never)]
    pub(crate) fn watch<A>(&mut self, base: &mut EventBase<'_, A>, task: &Waker) {
        let unwatched = core::mem::take(&mut self.state.unwatched);
        let mut end = self.slots.len();
        while let Some(index) = ready::last_before(end, unwatched) {
            let waker = self.state.ready.waker(ready::bit(index), task);
            if let Some(slot) = self.slots.get_mut(index) {
                watch(slot, base, &waker);
            }
            end = index;
        }
        self.watch_udp(unwatched, base, task);
        let State { env, ready, .. } = &mut *self.state;
        if env.network.is_unwatched() {
            env.network.wake_on_change(&ready.waker(ready::NETWORK, task));
        }
    }
}

fn watch<A>(slot: &mut Slot<'_>, base: &mut EventBase<'_, A>, waker: &Waker) {
    let (input, output) = match slot.role {
        Role::Free | Role::Resting | Role::Queued(_) | Role::Offline(_) => (false, false),
        // Every change of the socket's state wakes the waker for input.
        Role::Listening(_) | Role::Handshake(_) => (true, false),
        Role::Waiting(_) | Role::Connecting(_) => (false, true),
        Role::Ending => (true, true),
        Role::Open(conn) => {
            let input = base.input(conn).is_some();
            let output = slot.ends.has(Ends::OUTPUT) || !base.output(conn).0.is_empty();
            // At least one of the two wakers is needed to detect a reset.
            (input || slot.ends.has(Ends::OUTPUT), output || !input)
        }
    };
    if input {
        slot.socket.wake_on_input(waker);
    }
    if output {
        slot.socket.wake_on_output(waker);
    }
}
