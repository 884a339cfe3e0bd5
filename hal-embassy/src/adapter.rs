//! One turn of the loop, as `core/src/base.rs` draws it.

use core::task::{Context, Poll};

use picoevent::{Action, End, EventBase, Trigger, Wait};

use crate::observe::Observe;
use crate::pool::Pool;
use crate::slot::Role;
use crate::socket::Phase;
use crate::time::{self, Moment};

pub(crate) struct Adapter<'r, 'n, 's, A, O> {
    pub(crate) pool: Pool<'r, 'n>,
    pub(crate) triggers: &'r [&'r Trigger],
    pub(crate) base: &'r mut EventBase<'s, A>,
    pub(crate) app: &'r mut A,
    pub(crate) observer: &'r mut O,
}

/// Passes before other tasks get their turn, the stack's above all: callbacks that always make
/// more callbacks due must not keep the network waiting.
const PASSES: usize = 8;

impl<A, O: Observe<A>> Adapter<'_, '_, '_, A, O> {
    /// Works until there is nothing to do, and sees to it that news wake the task.
    pub(crate) fn turn(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        for _ in 0..PASSES {
            self.pass(cx);
            self.base.prepare(self.app);
            let deadline = match self.base.wait() {
                Wait::Not => continue,
                Wait::Until(deadline) => Some(deadline),
                Wait::Forever => None,
                Wait::Ended(end) => return Poll::Ready(end),
            };
            self.observer.idle(self.base, self.app);
            self.sleep(deadline, cx);
            return Poll::Pending;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn pass(&mut self, cx: &mut Context<'_>) {
        // The time before the news: what the news arm counts from when they were seen.
        self.pool.moment = Moment::now(&self.pool.config);
        self.base.advance(self.pool.moment.now);
        for trigger in self.triggers {
            trigger.register(cx.waker());
            self.base.raised(trigger.signal(), trigger.take());
        }
        while let Some(action) = self.base.next_action() {
            self.act(action, cx);
        }
        self.pool.look(self.base, cx);
        while let Some(fired) = self.base.next() {
            self.pool.network.watch();
            self.observer.before(self.base, self.app, &fired);
            fired.call(self.app, self.base);
            self.observer.after(self.base, self.app);
            if self.base.wants_time() {
                self.base.update_now(time::now());
            }
        }
    }

    fn act(&mut self, action: Action, cx: &mut Context<'_>) {
        let moment = self.pool.moment;
        match action {
            Action::Listen(listener, address) => {
                if let Err(error) = self.pool.listen(listener, address) {
                    self.base.listen_failed(listener, error);
                }
            }
            Action::Ignore(listener) => self.pool.ignore(listener),
            Action::Unlisten(listener) => self.pool.unlisten(listener),
            Action::Connect(conn, peer) => {
                if let Err(error) = self.pool.connect(conn, peer, cx) {
                    self.base.failed(conn, error);
                }
            }
            Action::Finish(conn) => {
                if let Some(slot) = self.pool.slot_of(conn) {
                    slot.ends.output_wanted = true;
                }
            }
            Action::Tune(conn, tuning) => {
                if let Some(slot) = self.pool.slot_of(conn) {
                    slot.socket.tune(tuning);
                }
            }
            Action::Close(conn) => {
                // What was written may still be delivered.
                self.pool.call_at_once(conn, cx);
                match self.pool.slot_of(conn) {
                    Some(slot) => slot.serve(Role::Closing(conn), moment.until),
                    None => self.base.released(conn),
                }
            }
            Action::Abort(conn) => {
                if let Some(slot) = self.pool.slot_of(conn) {
                    // Nothing is undone if the peer has ended and has everything we sent: it gets
                    // our end too instead of a reset.
                    let phase = slot.socket.phase();
                    let answered = matches!(phase, Phase::Open | Phase::Finishing);
                    match answered && slot.socket.is_read_out() && slot.socket.is_sent() {
                        true => slot.linger(moment.until),
                        false => slot.abort(moment),
                    }
                }
            }
            // The look at the sockets that follows moves whatever can be moved; signals come
            // through triggers, and there are no sources.
            _ => {}
        }
    }
}
