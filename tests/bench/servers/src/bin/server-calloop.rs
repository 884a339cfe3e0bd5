//! calloop with a source for each descriptor.

use std::os::fd::OwnedFd;

use calloop::generic::{Generic, NoIoDrop};
use calloop::{EventLoop, Interest, LoopHandle, Mode, PostAction};
use picoevent_bench_servers::harness::{GREETING, Harness, fail, listener};
use picoevent_bench_servers::pending::{EchoResult, Pending};
use rustix::net::{SocketFlags, accept_with, getsockname};

struct Server {
    harness: Harness,
    handle: LoopHandle<'static, Server>,
    buffer: Box<[u8]>,
}

fn main() {
    let error = serve(Harness::begin()).err();
    fail(error.map_or("the loop has ended".to_owned(), |error| error.to_string()))
}

fn serve(harness: Harness) -> Result<(), Box<dyn std::error::Error>> {
    let mut event_loop = EventLoop::try_new()?;
    let mut server = Server { harness, handle: event_loop.handle(), buffer: Pending::buffer() };
    let listener = listener();
    let address = getsockname(&listener)?.try_into()?;
    let source = Generic::new(listener, Interest::READ, Mode::Level);
    event_loop.handle().insert_source(source, |_, listener, server| server.accept(listener))?;
    server.harness.listening(address);
    event_loop.run(None, &mut server, |_| {})?;
    Ok(())
}

impl Server {
    fn accept(&mut self, listener: &OwnedFd) -> std::io::Result<PostAction> {
        let socket = accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?;
        self.harness.accepted();
        if self.harness.is_hello() {
            if rustix::io::write(&socket, GREETING) != Ok(GREETING.len()) {
                fail("cannot write the greeting");
            }
            drop(socket);
            self.harness.closed();
            return Ok(PostAction::Continue);
        }
        let source = Generic::new(socket, Interest::BOTH, Mode::Edge);
        let mut pending = Pending::default();
        let ready =
            move |ready: calloop::Readiness, socket: &mut NoIoDrop<OwnedFd>, server: &mut Self| {
                if !ready.readable && pending.is_empty() {
                    return Ok(PostAction::Continue);
                }
                Ok(server.serve(&*socket, &mut pending))
            };
        self.handle.insert_source(source, ready).map_err(std::io::Error::other)?;
        Ok(PostAction::Continue)
    }

    /// Serves a readable socket. A client closes its connection only after its bytes have come back. So the end of the
    /// stream never arrives together with bytes, and calloop reports the end of the stream later.
    fn serve(&mut self, socket: &OwnedFd, pending: &mut Pending) -> PostAction {
        match pending.echo(socket, &mut self.buffer, &mut self.harness) {
            EchoResult::Drained | EchoResult::WriteBlocked => PostAction::Continue,
            EchoResult::Closed => {
                self.harness.closed();
                PostAction::Remove
            }
        }
    }
}
