//! The end of a loop: delivers what its sockets still owe their peers.
//!
//! A process that ends leaves its connections to the system; a loop that ends leaves them to the
//! stack. The output and the end of stream are delivered as far as
//! [`Config::linger`](crate::Config::linger) allows. Further input of the peers is not awaited.

use core::task::{Context, Poll};

use crate::adapter::Adapter;
use crate::slot::Role;

impl<A, O> Adapter<'_, '_, '_, A, O> {
    /// Stops listening and begins to close every connection.
    pub(crate) fn leave(&mut self) {
        self.pool.env.update();
        let until = self.pool.env.until;
        self.pool.listeners.clear();
        for slot in self.pool.slots.iter_mut() {
            match slot.role {
                Role::Listening(_) | Role::Waiting(_) | Role::Connecting(_) | Role::Queued(_) => {
                    slot.abort(until)
                }
                Role::Open(conn) => slot.serve(Role::Closing(conn), until),
                Role::Free
                | Role::Closing(_)
                | Role::Lingering
                | Role::Finished
                | Role::Resetting => {}
            }
        }
        (self.pool.marked, self.pool.unsorted) = (u32::MAX, true);
    }

    /// Returns ready when no socket owes its peer anything, or its time limit has passed.
    pub(crate) fn left(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.pool.env.update();
        self.pool.look(self.base, cx.waker());
        let mut owing = false;
        for slot in self.pool.slots.iter() {
            owing |= !matches!(slot.role, Role::Free | Role::Finished);
        }
        if !owing {
            return Poll::Ready(());
        }
        self.sleep(None, cx);
        Poll::Pending
    }
}
