//! The body of a message: with a known length, or chunked.

use super::Step::{self, Done, Waits};
use super::head::next_line;
use crate::chunk;
use crate::exchange::{Input, flag};
use crate::head;
use crate::request::Request;
use crate::route::Part;
use crate::status::Status;

impl<A: 'static> Request<'_, '_, '_, A> {
    /// Reads a body with a known length.
    pub(crate) fn read_content(&mut self, app: &mut A) -> Result<Step, Status> {
        if self.exchange.content == 0 { Ok(self.end_body(app)) } else { self.pass_content(app) }
    }

    /// Reads a chunked body.
    pub(crate) fn read_chunks(&mut self, app: &mut A) -> Result<Step, Status> {
        match self.exchange.input {
            Input::Chunk if self.exchange.content == 0 => {
                self.exchange.input = Input::ChunkEnd;
                Ok(Done)
            }
            Input::Chunk => self.pass_content(app),
            Input::ChunkEnd => {
                let held = self.conn.input_len().min(2);
                match self.conn.contiguous(held) {
                    Some([b'\r', b'\n']) => {
                        self.conn.consume(2);
                        self.exchange.input = Input::ChunkSize;
                        Ok(Done)
                    }
                    None | Some([] | [b'\r']) => self.wait_for_input(),
                    _ => Err(Status::BAD_REQUEST),
                }
            }
            _ => self.read_chunk_line(app),
        }
    }

    /// Reads the line with a chunk's size, or a line of the trailer section.
    fn read_chunk_line(&mut self, app: &mut A) -> Result<Step, Status> {
        if !self.has_room() {
            return Ok(Waits);
        }
        let Self { conn, exchange, site, .. } = self;
        let Some(line) = next_line(conn, site.limits.line, Status::BAD_REQUEST)? else {
            return self.wait_for_input();
        };
        if exchange.input == Input::ChunkSize {
            let size = chunk::size(line)?;
            exchange.body = exchange.body.saturating_add(size);
            if exchange.body > site.limits.body || exchange.body == u32::MAX {
                return Err(Status::CONTENT_TOO_LARGE);
            }
            exchange.content = size;
            exchange.input = if size == 0 { Input::Trailer } else { Input::Chunk };
            exchange.fields = 0;
            return Ok(Done);
        }
        if line.is_empty() {
            return Ok(self.end_body(app));
        }
        head::field(line)?;
        exchange.fields = exchange.fields.saturating_add(1);
        if exchange.fields > site.limits.fields {
            return Err(Status::FIELDS_TOO_LARGE);
        }
        Ok(Done)
    }

    /// Passes the available bytes of the body to the application. If the route has no function for parts of a body,
    /// waits for the whole body and then calls the handler.
    fn pass_content(&mut self, app: &mut A) -> Result<Step, Status> {
        let Some(route) = self.route() else { return Err(Status::SERVER_ERROR) };
        let Some(part) = route.part else {
            if self.conn.input_len() < self.exchange.content as usize {
                return self.wait_for_input();
            }
            self.call(app);
            self.take(usize::MAX);
            self.exchange.input = Input::Done;
            return Ok(Done);
        };
        if self.conn.input_len() == 0 {
            return self.wait_for_input();
        }
        let before = self.exchange.content;
        part(app, self, Part::More);
        if self.exchange.has(flag::ANSWERED) {
            self.exchange.input = Input::Done;
            return Ok(Done);
        }
        Ok(if self.exchange.content < before { Done } else { Waits })
    }

    fn end_body(&mut self, app: &mut A) -> Step {
        self.exchange.input = Input::Done;
        self.call(app);
        Done
    }

    /// Returns `Waits`, or status 400 if the peer has ended its stream.
    fn wait_for_input(&mut self) -> Result<Step, Status> {
        if !self.exchange.has(flag::EOF) {
            return Ok(Waits);
        }
        self.exchange.set(flag::CUT);
        Err(Status::BAD_REQUEST)
    }
}
