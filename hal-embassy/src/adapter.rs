//! One turn of the loop, as `core/src/base.rs` draws it.

use core::task::{Context, Poll, Waker, ready};

use picoevent::{Action, End, EventBase, Trigger, Wait};

use crate::observe::Observe;
use crate::pool::Pool;
use crate::slot::Role;
use crate::socket::Phase;
use crate::time;

pub(crate) struct Adapter<'r, 'n, 's, A, O> {
    pub(crate) pool: Pool<'r, 'n>,
    pub(crate) triggers: &'r [&'r Trigger],
    pub(crate) base: &'r mut EventBase<'s, A>,
    pub(crate) app: &'r mut A,
    pub(crate) observer: O,
    pub(crate) stage: Stage,
}

/// The state of the loop.
pub(crate) enum Stage {
    /// The stack has not run since the sockets were opened.
    New,
    Running,
    /// The loop has ended for this reason, and its sockets are being closed.
    Leaving(End),
}

/// The most passes before other tasks run, the stack's above all: callbacks that always make
/// more callbacks due must not delay the network.
const PASSES: usize = 8;

impl<A, O: Observe<A>> Adapter<'_, '_, '_, A, O> {
    /// Runs the loop until it ends, and then until its sockets owe their peers nothing more.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            match self.stage {
                // The stack learns the state of its link when its runner first runs; a connection
                // opened before that would find the link down.
                Stage::New => {
                    self.stage = Stage::Running;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Stage::Running => {
                    let end = ready!(self.turn(cx));
                    self.leave();
                    self.stage = Stage::Leaving(end);
                }
                Stage::Leaving(end) => return self.left(cx).map(|()| end),
            }
        }
    }

    /// Works until there is nothing to do, and makes news wake the task.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        for _ in 0..PASSES {
            self.pass(cx.waker());
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
        // The sockets are watched nevertheless, or their news would be lost.
        self.watch(cx.waker());
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn pass(&mut self, task: &Waker) {
        // The time is updated before the news is fed: timers armed by the news count from then.
        self.pool.env.update();
        self.base.advance(self.pool.env.now);
        for trigger in self.triggers {
            trigger.register(task);
            self.base.raised(trigger.signal(), trigger.take());
        }
        while let Some(action) = self.base.next_action() {
            self.act(action);
        }
        self.pool.look(self.base, task);
        while let Some(fired) = self.base.next() {
            self.pool.env.network.watch();
            self.observer.before(self.base, self.app, &fired);
            fired.call(self.app, self.base);
            self.observer.after(self.base, self.app);
            if self.base.wants_time() {
                self.base.update_now(time::now());
            }
        }
    }

    #[inline(never)]
    fn act(&mut self, action: Action) {
        let until = self.pool.env.until;
        match action {
            Action::Listen(listener) => {
                let address = self.base.address_of(listener);
                let listens = address.map(|address| self.pool.listen(listener, address));
                if let Some(Err(error)) = listens {
                    self.base.listen_failed(listener, error);
                }
            }
            Action::Ignore(listener) => self.pool.ignore(listener),
            Action::Unlisten(listener) => self.pool.unlisten(listener),
            Action::Connect(conn) => {
                let peer = self.base.peer_of(conn);
                if let Some(Err(error)) = peer.map(|peer| self.pool.connect(conn, peer)) {
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
                self.pool.unsorted = true;
                // The output may still be delivered.
                self.pool.call_at_once(conn);
                match self.pool.slot_of(conn) {
                    Some(slot) => slot.serve(Role::Closing(conn), until),
                    None => self.base.released(conn),
                }
            }
            Action::Abort(conn) => {
                self.pool.unsorted = true;
                if let Some(slot) = self.pool.slot_of(conn) {
                    // A peer that has sent its end of stream and has everything we sent gets our
                    // end of stream instead of a reset: nothing is lost.
                    let phase = slot.socket.phase();
                    let answered = matches!(phase, Phase::Open | Phase::Finishing);
                    match answered && slot.socket.is_read_out() && slot.socket.is_sent() {
                        true => slot.linger(until),
                        false => slot.abort(until),
                    }
                }
            }
            // The next look at the socket moves the bytes.
            Action::Receive(conn) | Action::Send(conn) => {
                self.pool.slot_of(conn);
            }
            // Signals come through triggers, and there are no sources.
            Action::Interest(..) | Action::Forget(_) | Action::Catch(_) | Action::Release(_) => {}
        }
    }
}
