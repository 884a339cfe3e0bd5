//! Timeouts: for a head, for a body, for an answer that the client receives too slowly, and between requests.

use crate::exchange::{Input, Timer, flag};
use crate::limits::Limits;
use crate::request::Request;
use crate::status::Status;

impl<A: 'static> Request<'_, '_, '_, A> {
    pub(super) fn set_timer(&mut self) {
        // `Limits` is a large struct, so it is borrowed here and not copied.
        let Limits { head, idle, rate, .. } = &self.site.limits;
        let (timer, delay) = match self.exchange.input {
            // After the end of the client's stream there is no next request. The connection only waits for room.
            Input::Line
                if self.conn.input_len() == 0
                    && !self.exchange.has_any(flag::SKIPPED | flag::EOF) =>
            {
                (Timer::Idle, idle)
            }
            Input::Line | Input::Fields if self.conn.room() < self.site.room => {
                (Timer::Rate, &Limits::WINDOW)
            }
            Input::Line | Input::Fields => (Timer::Head, head),
            Input::Frames => (Timer::Silence, idle),
            _ if *rate == 0 => (Timer::None, idle),
            _ => (Timer::Rate, &Limits::WINDOW),
        };
        if timer == self.exchange.timer {
            return;
        }
        self.exchange.timer = timer;
        if timer == Timer::None {
            self.conn.cancel_alarm();
            return;
        }
        if timer == Timer::Rate {
            self.exchange.saved_progress = self.progress();
        }
        self.conn.alarm_after(*delay);
    }

    /// Handles the timeout.
    pub(crate) fn time_is_up(&mut self, app: &mut A) {
        match core::mem::replace(&mut self.exchange.timer, Timer::None) {
            Timer::None => {}
            Timer::Idle => self.conn.close(),
            Timer::Head => self.refuse(Status::REQUEST_TIMEOUT),
            Timer::Rate if self.is_too_slow() => {
                if self.exchange.awaits_body() && !self.exchange.has(flag::ANSWERED) {
                    self.refuse(Status::REQUEST_TIMEOUT);
                } else {
                    self.conn.abort_with(picoevent::ConnError::TimedOut);
                }
            }
            Timer::Rate => self.set_timer(),
            Timer::Silence => {
                self.call_hook(app, |hooks| hooks.alarm);
                if self.conn.is_open() {
                    self.set_timer();
                }
            }
        }
    }

    /// Returns the number of bytes that have arrived from the peer plus the number of bytes that have left the output
    /// ring.
    pub(crate) fn progress(&self) -> u32 {
        let held = (self.conn.input_len() as u32).wrapping_sub(self.conn.output_len() as u32);
        self.exchange.moved.wrapping_add(held)
    }

    /// If the client has received all output so far, begins a new period for the rate. Called before the application
    /// continues an answer, because until now the client waited for the application.
    pub(crate) fn restart_rate(&mut self) {
        let has_waited = self.conn.output_len() == 0 && !self.exchange.awaits_body();
        if has_waited && self.exchange.timer == Timer::Rate {
            self.exchange.timer = Timer::None;
        }
    }

    /// Returns whether the request waits for the peer, and the peer was slower than [`Limits::rate`] since the last
    /// check.
    pub(crate) fn is_too_slow(&self) -> bool {
        let is_streamed = self.route().is_some_and(|route| route.part.is_some());
        let is_data = matches!(self.exchange.input, Input::Body | Input::Chunk);
        let is_held_back = is_streamed && is_data && self.conn.input_len() > 0;
        let is_awaited = self.exchange.awaits_body() && !is_held_back || self.conn.output_len() > 0;
        let seconds = Limits::WINDOW.as_secs() as u32;
        let least = self.site.limits.rate.saturating_mul(seconds);
        // The difference can be negative, because `moved` does not include the framing of chunks.
        let moved = self.progress().wrapping_sub(self.exchange.saved_progress).cast_signed();
        is_awaited && moved < i32::try_from(least).unwrap_or(i32::MAX)
    }
}
