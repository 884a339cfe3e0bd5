//! The steps of a request on its connection: head, body, handler, answer, and the next request.

mod body;
mod head;
mod time;

use crate::exchange::{Input, flag};
use crate::reply::{Head, Length};
use crate::request::Request;
use crate::route::{OnRequest, Part, SocketHooks};
use crate::status::Status;

/// The result of a step.
#[derive(PartialEq, Eq)]
pub(crate) enum Step {
    /// The next step can begin.
    Done,
    /// The request needs more input, more room, or an action of the application.
    Waits,
}

use Step::{Done, Waits};

impl<A: 'static> Request<'_, '_, '_, A> {
    /// Advances the request until more input or more room is needed, or until the application has to act.
    pub(crate) fn advance(&mut self, app: &mut A) {
        // The application can answer before the body is complete. The rest of the body is not read.
        if self.exchange.awaits_body() && self.exchange.has(flag::ANSWERED) {
            self.exchange.input = Input::Done;
        }
        while self.conn.is_open() {
            let step = match self.exchange.input {
                Input::Line | Input::Fields => self.read_head(app),
                Input::Done => self.continue_answer(app),
                Input::Frames => {
                    self.call_hook(app, |hooks| hooks.advance);
                    Ok(Waits)
                }
                Input::Body => self.read_content(app),
                Input::ChunkSize | Input::Chunk | Input::ChunkEnd | Input::Trailer => {
                    // Only routes with [`Route::body`](crate::Route::body) accept chunks.
                    match self.route().and_then(|route| route.chunks) {
                        Some(read) => read(app, self),
                        None => Err(Status::LENGTH_REQUIRED),
                    }
                }
            };
            match step {
                Ok(Done) => {}
                Ok(Waits) => break,
                Err(status) => self.refuse(status),
            }
        }
        if self.conn.is_open() {
            self.set_timer();
        }
    }

    /// Answers with an error and closes the connection, because the rest of the input cannot be understood. If another
    /// answer has begun and is not complete, resets the connection instead.
    pub(crate) fn refuse(&mut self, status: Status) {
        if self.exchange.has(flag::ANSWERED) && !self.exchange.has(flag::COMPLETE) {
            return self.conn.abort();
        }
        self.exchange.set(flag::LAST);
        // If there is no room for the answer, the connection is closed without an answer.
        self.answer_bare(status, b"");
        self.conn.close();
    }

    /// Sends an answer without content.
    pub(crate) fn answer_bare(&mut self, status: Status, fields: &[u8]) {
        let head = Head::bare(status, fields);
        if self.write_head(&head, Length::Known(0), &[], 0).is_err() {
            return self.conn.close();
        }
        self.exchange.set(flag::COMPLETE);
    }
}

/// The answer.
impl<A: 'static> Request<'_, '_, '_, A> {
    fn continue_answer(&mut self, app: &mut A) -> Result<Step, Status> {
        if !self.write_rest() {
            return Ok(Waits);
        }
        if self.exchange.has(flag::OPEN)
            && let Some(pull) = self.route().and_then(|route| route.pull)
        {
            pull(app, self);
            if self.exchange.has(flag::OPEN) {
                self.wait_to_pull();
                return Ok(Waits);
            }
        }
        if !self.exchange.has(flag::COMPLETE) {
            return Ok(Waits);
        }
        if self.exchange.has(flag::LAST) {
            self.conn.close();
        } else {
            self.exchange.begin_again();
        }
        Ok(Done)
    }

    /// Starts a wait for more room than there is now. If the output ring is empty, does nothing: the application had
    /// room but wrote no content. So the application must continue the answer itself when it has more content.
    pub(crate) fn wait_to_pull(&mut self) {
        if self.conn.output_len() > 0 {
            let (_, size) = self.conn.ring_sizes();
            let room = self.conn.room().saturating_add(1).max(size / 2);
            self.conn.wait_for_room(room);
        }
    }
}

/// The end of the connection, and calls of the functions that only WebSocket routes have.
impl<A: 'static> Request<'_, '_, '_, A> {
    /// Handles the end of the connection.
    pub(crate) fn handle_end(&mut self, app: &mut A) {
        if self.exchange.input == Input::Frames {
            self.call_hook(app, |hooks| hooks.ended);
        } else if self.exchange.awaits_body()
            && self.exchange.has(flag::STREAMED)
            && let Some(part) = self.route().and_then(|route| route.part)
        {
            part(app, self, Part::Lost);
        }
    }

    pub(crate) fn call_hook(
        &mut self,
        app: &mut A,
        hook: impl FnOnce(&SocketHooks<A>) -> OnRequest<A>,
    ) {
        if let Some(hooks) = self.route().and_then(|route| route.socket) {
            hook(hooks)(app, self);
        }
    }
}
