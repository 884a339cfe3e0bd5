//! Listeners: addresses on which connections are accepted.
//!
//! A listener is enabled when it is made. While a listener is disabled, or its pool is full, the back end accepts
//! nothing, and new connections wait in the stack's backlog. If there is a [busy text](Settings::busy), a client that
//! connects while the pool is full is accepted with a spare connection. The client gets the text, and its connection is
//! closed. The same happens to a client that connects while the listener has reached its
//! [limit](ListenerMut::set_limit). In this case any free connection of the pool is used, not only a spare connection.

use core::net::SocketAddr;

use crate::address::Address;
use crate::conn::{ConnMut, OnConn, Protocol, Settings};
use crate::error::{Code, FullError, ListenError, SetupError, StaleError};
use crate::handle::{Listener, kind};
use crate::outbox::{Action, Pending, action};
use crate::pool::PoolId;
use crate::queue::{List, Node};
use crate::record::Entry;
use crate::table::{Head, Slot};
use crate::{Cx, EventBase, Fired, log};

mod accept;

/// The callback for a failure of a listener. The base has disabled the listener before it calls this callback. The
/// callback may enable the listener again or free it.
pub type OnListenError<A> = fn(&mut A, &mut ListenerMut<'_, '_, A>, ListenError);

/// The flags of a listener, in the word of its [`Node`].
mod flag {
    use crate::queue::Node;

    pub(super) const ENABLED: u32 = 1 << Node::FLAGS;
    /// The application has freed the listener, but the back end has not taken the action `Unlisten` yet.
    pub(super) const FREED: u32 = ENABLED << 1;
}

/// Room for one listener, in a [`Memory`](crate::memory::Memory).
pub struct ListenerSlot<A> {
    /// The callback of the connections that the listener accepts. `settings` has the settings of these connections.
    pub(crate) call: Option<OnConn<A>>,
    pub(crate) settings: Option<&'static Settings>,
    on_error: Option<OnListenError<A>>,
    user: u32,
    address: Address,
    /// Connections that were accepted and wait until the listener is enabled again.
    waiting: List,
    /// The number of the listener's connections that are in use: see [`ListenerMut::conns`].
    pub(crate) in_use: u16,
    /// The maximum of `in_use`.
    limit: u16,
    error: Code,
    pub(crate) node: Node,
    head: Head,
    pub(crate) pending: Pending,
}

impl<A> Slot for ListenerSlot<A> {
    type Kind = kind::Listener;

    const EMPTY: Self = Self {
        call: None,
        settings: None,
        on_error: None,
        user: 0,
        address: Address::EMPTY,
        waiting: List::EMPTY,
        in_use: 0,
        limit: 0,
        error: Code::EMPTY,
        node: Node::EMPTY,
        head: Head::EMPTY,
        pending: Pending::EMPTY,
    };

    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn renew(&mut self) {
        (self.node, self.pending) = (Node::EMPTY, Pending::EMPTY);
    }
}

impl<A> ListenerSlot<A> {
    /// Returns whether the listener was freed, but the back end has not taken the action `Unlisten` yet.
    pub(crate) const fn is_freed(&self) -> bool {
        self.node.has(flag::FREED)
    }

    /// Returns the index of the listener's pool.
    pub(crate) const fn pool(&self) -> u8 {
        self.node.interest()
    }

    /// Returns whether the listener has reached its limit of connections.
    pub(crate) const fn is_at_limit(&self) -> bool {
        self.in_use >= self.limit
    }

    /// Returns whether clients get a busy text when the pool is full or the listener has reached its limit.
    pub(crate) fn answers_when_busy(&self) -> bool {
        self.settings.is_some_and(|settings| !settings.busy.is_empty())
    }

    const fn is_enabled(&self) -> bool {
        self.node.has(flag::ENABLED)
    }

    /// Sets whether the listener is enabled. Returns whether it was enabled before.
    const fn set_enabled(&mut self, enabled: bool) -> bool {
        let was = self.is_enabled();
        self.node.set(flag::ENABLED, enabled);
        was
    }
}

/// Access to one listener, borrowed from the loop.
///
/// [`Cx::listener`] returns a `ListenerMut`. This example limits a listener to two connections. If the listener cannot
/// listen on its address, the application enables it again after ten seconds:
///
/// ```
/// use core::net::SocketAddr;
/// use core::time::Duration;
/// use picoevent::{ConnMut, Cx, Listener, ListenError, ListenerMut, PoolId, Protocol, SetupError};
///
/// struct App {
///     console: Option<Listener>,
/// }
///
/// struct Console;
///
/// impl Protocol<App> for Console {
///     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
///         conn.consume(usize::MAX);
///     }
/// }
///
/// impl App {
///     fn start(
///         &mut self,
///         cx: &mut Cx<Self>,
///         address: SocketAddr,
///         pool: PoolId,
///     ) -> Result<(), SetupError> {
///         let console = cx.listen::<Console>(address, pool)?;
///         if let Ok(mut console) = cx.listener(console) {
///             // The other connections of the pool are for another listener.
///             console.set_limit(2).on_error(Self::listen_failed);
///         }
///         self.console = Some(console);
///         Ok(())
///     }
///
///     fn listen_failed(&mut self, console: &mut ListenerMut<Self>, _: ListenError) {
///         let _ = console.cx().after(Duration::from_secs(10), |app, event| {
///             if let Some(Ok(mut console)) = app.console.map(|console| event.listener(console)) {
///                 console.enable();
///             }
///         });
///     }
/// }
/// # let _ = App::start;
/// ```
pub struct ListenerMut<'c, 's, A> {
    cx: &'c mut Cx<'s, A>,
    listener: Listener,
}

impl<'s, A> Cx<'s, A> {
    /// Makes a listener that accepts connections on `address`. The connections take slots of `pool`, and `P` has their
    /// callbacks.
    ///
    /// The back end opens the listener before the loop's next wait. If the back end cannot open the listener, the
    /// listener is disabled, and the function that was set with [`ListenerMut::on_error`] is called. Without such a
    /// function, the application is not informed of the failure.
    ///
    /// # Errors
    /// [`SetupError::Full`] when the table has no free slot, [`SetupError::NoPool`] when `pool` is not a pool of this
    /// base, [`SetupError::MemoryPool`] when the pool is in memory, [`SetupError::Room`], [`SetupError::Marks`] or
    /// [`SetupError::Busy`] when the rings of the pool are too short for the protocol.
    pub fn listen<P: Protocol<A>>(
        &mut self,
        address: SocketAddr,
        pool: PoolId,
    ) -> Result<Listener, SetupError> {
        self.listen_with(address, pool, P::SETTINGS, P::event)
    }

    /// Makes a listener like [`listen`](Self::listen), with a plain function as the callback of the accepted
    /// connections.
    ///
    /// # Errors
    /// The same as for [`listen`](Self::listen).
    pub fn listen_with(
        &mut self,
        address: SocketAddr,
        pool: PoolId,
        settings: &'static Settings,
        call: OnConn<A>,
    ) -> Result<Listener, SetupError> {
        self.needs_sockets(pool)?;
        self.fits_pool(pool, settings)?;
        let (listener, slot) = self.tables.listeners.insert().ok_or(FullError::Listeners)?;
        (slot.call, slot.settings) = (Some(call), Some(settings));
        (slot.on_error, slot.user) = (None, 0);
        slot.waiting = List::EMPTY;
        (slot.in_use, slot.limit) = (0, u16::MAX);
        slot.address = address.into();
        slot.node = slot.node.begin(0, pool.0);
        self.listener_enable(listener.slot());
        Ok(listener)
    }

    /// Returns access to a listener.
    ///
    /// # Errors
    /// [`StaleError`] when the listener was freed.
    pub fn listener(&mut self, listener: Listener) -> Result<ListenerMut<'_, 's, A>, StaleError> {
        let slot = self.tables.listeners.get(listener).ok_or(StaleError)?;
        if slot.is_freed() {
            return Err(StaleError);
        }
        Ok(ListenerMut { cx: self, listener })
    }
}

impl<'c, 's, A> ListenerMut<'c, 's, A> {
    pub(crate) const fn new(cx: &'c mut Cx<'s, A>, listener: Listener) -> Self {
        Self { cx, listener }
    }

    /// Sets the function to call when the listener fails.
    pub fn on_error(&mut self, call: OnListenError<A>) -> &mut Self {
        if let Some(slot) = self.slot_mut() {
            slot.on_error = Some(call);
        }
        self
    }

    /// Enables the listener: it accepts connections (again).
    pub fn enable(&mut self) -> &mut Self {
        if self.slot_mut().is_some() {
            self.cx.listener_enable(self.listener.slot());
        }
        self
    }

    /// Disables the listener: it accepts no connections until it is enabled again. Accepted connections whose first
    /// callback has not run yet wait until then.
    pub fn disable(&mut self) -> &mut Self {
        if self.slot_mut().is_some() {
            self.cx.listener_disable(self.listener.slot(), action::PAUSE);
        }
        self
    }

    /// Returns whether the listener is enabled: `false` after it was disabled or has failed.
    pub fn is_enabled(&self) -> bool {
        self.cx.tables.listeners.get(self.listener).is_some_and(ListenerSlot::is_enabled)
    }

    /// Sets the maximum number of [connections](Self::conns) that this listener can have at the same time. Set a limit
    /// if several listeners share a pool. When this number is reached, clients are treated as if the pool were full.
    ///
    /// The limit does not guarantee that another listener finds a free connection in the pool. A client that gets the
    /// [busy text](Settings::busy) also uses a free connection of the pool, until the text is delivered or the time
    /// [`LINGER`](crate::LINGER) has passed. If another listener must always have free connections, give the other
    /// listener a separate pool.
    pub fn set_limit(&mut self, most: u16) -> &mut Self {
        if let Some(slot) = self.slot_mut() {
            slot.limit = most;
        }
        self
    }

    /// Returns the number of the listener's connections that are in use. A connection is in use from its accept until
    /// the application closes or aborts it, or until its callback [`ended`](Protocol::ended) is called.
    pub fn conns(&self) -> usize {
        self.cx.tables.listeners.get(self.listener).map_or(0, |slot| slot.in_use.into())
    }

    /// Calls `each` with every connection of the listener that is in use, in the order of the slots. Leaves out
    /// connections whose callback [`opened`](Protocol::opened) has not run yet. O(connection slots of the storage).
    pub fn for_each(&mut self, mut each: impl FnMut(&mut ConnMut<'_, 's, A>)) {
        for index in 0..self.cx.tables.conns.capacity() as u16 {
            let Some((conn, slot)) = self.cx.tables.conns.at(index) else { continue };
            if slot.listener == self.listener && slot.is_in_use() && !slot.is_unaccepted() {
                each(&mut ConnMut::new(self.cx, conn));
            }
        }
    }

    /// Returns the listener's handle, which can be stored.
    pub const fn id(&self) -> Listener {
        self.listener
    }

    /// Returns access to the loop and to its other objects.
    pub const fn cx(&mut self) -> &mut Cx<'s, A> {
        self.cx
    }

    /// Returns the address that was passed to [`Cx::listen`].
    pub fn address(&self) -> Option<SocketAddr> {
        self.cx.tables.listeners.get(self.listener).map(|slot| slot.address.into())
    }

    /// Returns the application's data word, initially zero.
    pub fn user(&self) -> u32 {
        self.cx.tables.listeners.get(self.listener).map_or(0, |slot| slot.user)
    }

    /// Sets the application's data word.
    pub fn set_user(&mut self, user: u32) -> &mut Self {
        if let Some(slot) = self.slot_mut() {
            slot.user = user;
        }
        self
    }

    /// Closes the listener. The handle is stale from now on. Connections whose callback `opened` was called stay open;
    /// other accepted connections are reset. The slot is freed before the loop's next wait, when the back end takes the
    /// action to close the socket. Until then [`Cx::listen`] may return [`FullError::Listeners`].
    pub fn free(&mut self) {
        if self.slot_mut().is_some() {
            self.cx.listener_free(self.listener.slot());
        }
    }

    /// Returns the slot, unless the listener was freed.
    fn slot_mut(&mut self) -> Option<&mut ListenerSlot<A>> {
        self.cx.tables.listeners.get_mut(self.listener).filter(|slot| !slot.is_freed())
    }
}

impl<A> Cx<'_, A> {
    fn listener_enable(&mut self, index: u16) {
        let Some(slot) = self.tables.listeners.slot_mut(index) else { return };
        if !slot.set_enabled(true) {
            self.listening = self.listening.saturating_add(1);
        }
        self.listener_post(index, action::OPEN);
        self.listener_queue_waiting(index);
    }

    fn listener_disable(&mut self, index: u16, action: u8) {
        let Some(slot) = self.tables.listeners.slot_mut(index) else { return };
        if slot.set_enabled(false) {
            self.listening = self.listening.saturating_sub(1);
        }
        self.listener_post(index, action);
    }

    /// Frees the listener in a slot.
    pub(crate) fn listener_free(&mut self, index: u16) {
        self.listener_reset_waiting(index);
        self.listener_disable(index, action::DROP);
        let id = self.tables.listener_id(index);
        self.queues.remove(&mut self.tables, id);
        if let Some(slot) = self.tables.listeners.slot_mut(index) {
            slot.node.set_due(0);
            slot.node.set(flag::FREED, true);
        }
    }

    fn listener_post(&mut self, index: u16, action: u8) {
        self.post(self.tables.listener_id(index), action);
    }

    pub(crate) fn listener_action(&mut self, index: u16, action: u8) -> Option<Action> {
        let (listener, slot) = self.tables.listeners.at(index)?;
        let enabled = slot.is_enabled();
        match action {
            action::OPEN if enabled => Some(Action::Listen(listener)),
            action::PAUSE if !enabled => Some(Action::Ignore(listener)),
            action::DROP => {
                slot.pending.actions = 0;
                self.tables.listeners.free_slot(index);
                Some(Action::Unlisten(listener))
            }
            _ => None,
        }
    }

    /// Returns the callback of the listener that is at the front of the queue.
    pub(crate) fn listener_fire(&mut self, index: u16) -> Option<Fired<A>> {
        let (listener, slot) = self.tables.listeners.at(index)?;
        let (call, error) = (slot.on_error, slot.error);
        // If the listener was enabled again meanwhile, a new failure is reported again.
        let is_disabled = !slot.is_enabled();
        self.queues.done(&mut slot.node);
        Some(Fired::ListenError(call.filter(|_| is_disabled)?, listener, error.into()))
    }
}

impl<A> EventBase<'_, A> {
    /// Returns the address on which a listener must listen. For back ends.
    pub fn address_of(&self, listener: Listener) -> Option<SocketAddr> {
        self.cx.tables.listeners.get(listener).map(|slot| slot.address.into())
    }

    /// Reports that a listener cannot listen. The listener is disabled, and its error callback becomes due.
    pub fn listen_failed(&mut self, listener: Listener, error: ListenError) {
        self.cx.recorder.record(|| Entry::ListenFailed(listener, error));
        let index = listener.slot();
        let slot = self.cx.tables.listeners.get_mut(listener);
        let Some(slot) = slot.filter(|slot| !slot.is_freed()) else { return };
        log::listen_failed(listener, error);
        slot.error = error.into();
        self.cx.listener_disable(index, 0);
        self.cx.activate(self.cx.tables.listener_id(index), 1);
    }
}
