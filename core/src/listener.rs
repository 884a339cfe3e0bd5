//! Listeners: addresses on which connections are accepted.
//!
//! A listener is enabled when it is made. While it is disabled, or while the connection table is
//! full, the back end accepts nothing; what arrives waits in the stack as far as the stack can hold
//! it. Nothing that was accepted is ever dropped for want of room.

use core::net::SocketAddr;

use crate::active::Turn;
use crate::conn::{NOWHERE, OnConn};
use crate::error::{Full, ListenError, Stale};
use crate::handle::{Listener, kind};
use crate::list::{Id, Kind, List};
use crate::outbox::{Action, Mail, note};
use crate::record::Entry;
use crate::table::Resident;
use crate::{Cx, EventBase, Fired, log};

mod accept;

/// A listener's callback for a failure: it listens no more, and can be freed or enabled again.
pub type OnListenError<A> = fn(&mut A, &mut Cx<'_, A>, Listener, ListenError);

pub(crate) struct ListenerState<A> {
    pub(crate) on_accept: Option<OnConn<A>>,
    on_error: Option<OnListenError<A>>,
    user: u32,
    address: SocketAddr,
    enabled: bool,
    freed: bool,
    /// Connections that were accepted and wait until the listener is enabled again.
    held_back: List,
    error: ListenError,
    pub(crate) turn: Turn,
    pub(crate) mail: Mail,
}

impl<A> Resident for ListenerState<A> {
    type Kind = kind::Listener;

    const EMPTY: Self = Self {
        on_accept: None,
        on_error: None,
        user: 0,
        address: NOWHERE,
        enabled: false,
        freed: false,
        held_back: List::EMPTY,
        error: ListenError::InUse,
        turn: Turn::EMPTY,
        mail: Mail::EMPTY,
    };

    fn vacate(&mut self) {
        *self = Self { turn: self.turn.vacated(), ..Self::EMPTY };
    }
}

impl<A> ListenerState<A> {
    /// Whether the listener only waits for the back end to hear of its end.
    pub(crate) const fn is_freed(&self) -> bool {
        self.freed
    }
}

/// One listener, borrowed from the loop: its verbs.
///
/// Made by [`Cx::listener`].
pub struct ListenerMut<'c, 's, A> {
    cx: &'c mut Cx<'s, A>,
    listener: Listener,
}

impl<'s, A> Cx<'s, A> {
    /// Accepts connections on `address` and calls `on_accept` with each.
    ///
    /// The back end opens the listener before it waits next. A failure then is reported to
    /// [`ListenerMut::on_error`].
    ///
    /// # Errors
    /// [`Full::Listeners`] when the table has no free slot.
    pub fn listen(&mut self, address: SocketAddr, on_accept: OnConn<A>) -> Result<Listener, Full> {
        let (listener, state) =
            self.tables.listeners.insert().ok_or_else(|| log::full(Full::Listeners))?;
        state.on_accept = Some(on_accept);
        state.address = address;
        state.turn = state.turn.begin();
        self.listener_enable(listener);
        Ok(listener)
    }

    /// The listener's verbs.
    ///
    /// # Errors
    /// [`Stale`] when the listener was freed.
    pub fn listener(&mut self, listener: Listener) -> Result<ListenerMut<'_, 's, A>, Stale> {
        let state = self.tables.listeners.get(listener).ok_or(Stale)?;
        if state.freed {
            return Err(Stale);
        }
        Ok(ListenerMut { cx: self, listener })
    }
}

impl<A> ListenerMut<'_, '_, A> {
    /// Sets the function to call when the listener fails.
    pub fn on_error(&mut self, call: OnListenError<A>) -> &mut Self {
        if let Some(state) = self.state_mut() {
            state.on_error = Some(call);
        }
        self
    }

    /// Accepts connections (again).
    pub fn enable(&mut self) -> &mut Self {
        self.cx.listener_enable(self.listener);
        self
    }

    /// Accepts no connections until it is enabled again. Those which were accepted, and whose callback
    /// has not run yet, are held back until then.
    pub fn disable(&mut self) -> &mut Self {
        self.cx.listener_disable(self.listener, note::PAUSE);
        self
    }

    /// Returns whether connections are accepted: not after it was disabled or has failed.
    pub fn is_enabled(&self) -> bool {
        self.cx.tables.listeners.get(self.listener).is_some_and(|state| state.enabled)
    }

    /// The address the application asked for.
    pub fn address(&self) -> Option<SocketAddr> {
        self.cx.tables.listeners.get(self.listener).map(|state| state.address)
    }

    /// The application's word, zero at first.
    pub fn user(&self) -> u32 {
        self.cx.tables.listeners.get(self.listener).map_or(0, |state| state.user)
    }

    /// Sets the application's word.
    pub fn set_user(&mut self, user: u32) -> &mut Self {
        if let Some(state) = self.state_mut() {
            state.user = user;
        }
        self
    }

    /// Closes the listener; the handle is stale from here on. Connections that its callback was
    /// given live on; others are reset.
    pub fn free(self) {
        self.cx.drop_held_back(self.listener);
        self.cx.listener_disable(self.listener, note::DROP);
        self.cx.active.remove(&mut self.cx.tables, id_of(self.listener));
        if let Some(state) = self.cx.tables.listeners.get_mut(self.listener) {
            state.freed = true;
        }
    }

    fn state_mut(&mut self) -> Option<&mut ListenerState<A>> {
        self.cx.tables.listeners.get_mut(self.listener)
    }
}

impl<A> Cx<'_, A> {
    fn listener_enable(&mut self, listener: Listener) {
        let Some(state) = self.tables.listeners.get_mut(listener) else { return };
        if !core::mem::replace(&mut state.enabled, true) {
            self.listening = self.listening.saturating_add(1);
        }
        self.outbox.post(&mut self.tables, id_of(listener), note::OPEN);
        self.release_held_back(listener);
    }

    fn listener_disable(&mut self, listener: Listener, note: u8) {
        let Some(state) = self.tables.listeners.get_mut(listener) else { return };
        if core::mem::replace(&mut state.enabled, false) {
            self.listening = self.listening.saturating_sub(1);
        }
        self.outbox.post(&mut self.tables, id_of(listener), note);
    }

    pub(crate) fn listener_action(&mut self, index: u16, note: u8) -> Option<Action> {
        let (listener, state) = self.tables.listeners.at(index)?;
        let (enabled, address) = (state.enabled, state.address);
        match note {
            note::OPEN if enabled => Some(Action::Listen(listener, address)),
            note::PAUSE if !enabled => Some(Action::Ignore(listener)),
            note::DROP => {
                self.tables.listeners.remove(listener);
                Some(Action::Unlisten(listener))
            }
            _ => None,
        }
    }

    /// Prepares the callback of a listener whose turn it is.
    pub(crate) fn listener_fire(&mut self, index: u16) -> Option<Fired<A>> {
        let (listener, state) = self.tables.listeners.at(index)?;
        let (call, error) = (state.on_error, state.error);
        self.active.done(&mut state.turn);
        Some(Fired::ListenError(call?, listener, error))
    }
}

impl<A> EventBase<'_, A> {
    /// Feeds a failure to listen: the listener is disabled and its error callback is due.
    pub fn listen_failed(&mut self, listener: Listener, error: ListenError) {
        self.cx.recorder.note(|| Entry::ListenFailed(listener, error));
        self.cx.listener_disable(listener, 0);
        if let Some(state) = self.cx.tables.listeners.get_mut(listener)
            && !state.freed
        {
            log::listen_failed(listener, error);
            state.error = error;
            let queued = self.cx.active.activate(&mut state.turn, id_of(listener));
            self.cx.activated(id_of(listener), queued);
        }
    }
}

pub(crate) const fn id_of(listener: Listener) -> Id {
    Id::new(Kind::Listener, listener.slot())
}
