//! The status page: `GET /status`.

use core::time::Duration;

use picoevent_http::{Limits, Reply, Request, Route, Server, Site, Status};

use crate::Gateway;

/// The time limit for receiving a request's head, and for a pause between two requests.
const HEAD_TIME: Duration = Duration::from_secs(90);
const JSON: Reply<'_> = Reply::new(Status::OK, "application/json");

pub(crate) type Requests = Server<4, 32>;

pub(crate) struct Page;

impl Site<Gateway> for Page {
    const ROUTES: &'static [Route<Gateway>] = &[Route::get("/status", Gateway::status)];
    const LIMITS: Limits = Limits::new().line(450).body(0).head(HEAD_TIME).idle(HEAD_TIME);
    const ROOM: usize = 384;
    type Server = Requests;

    fn server(app: &mut Gateway) -> &mut Requests {
        &mut app.requests
    }
}

impl Gateway {
    fn status(&mut self, request: &mut Request<Self>) {
        self.served = self.served.wrapping_add(1);
        let console = self.console.and_then(|console| request.cx().listener(console).ok());
        let clients = console.map_or(0, |console| console.conns());
        let uplink = self.uplink.name(request.cx());
        let value = self.latest.map_or(0, |sample| sample.value);
        let body = format_args!(
            "{{\"temp\":{value},\"samples\":{},\"queued\":{},\"lost\":{},\"keys\":{},\"clients\":{clients},\"uplink\":\"{uplink}\",\"served\":{}}}\n",
            self.taken,
            self.samples.len(),
            self.lost,
            self.store.len(),
            self.served,
        );
        let _ = request.reply_fmt(JSON, body);
    }
}
