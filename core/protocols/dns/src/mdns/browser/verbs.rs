//! The browser's functions for the application.

use core::time::Duration;

use picoevent::{Cx, EventMut, Instant, Mode, SetupError, UdpEvent, UdpMut, UnseededError};

use super::{FoundService, HasBrowser, Pending, ServiceEvent, State};
use crate::mdns::verbs::{BIND_WAIT, bind, close, handle_bind_error, receive, received, send};
use crate::mdns::{AnnounceError, GROUP, MAX_LABEL, MESSAGE, State as NameState};
use crate::wire::is_host_name;

/// Starts to browse for services of a kind, such as `_http._tcp`. The first question is sent after 20 to 86 ms. Further
/// questions are sent after 1, 2, 4, … seconds, at most one hour apart, and before known records expire.
/// [`HasBrowser::service`] is called for each service.
///
/// The browser uses the socket of the [responder](super::super::Responder). The responder does not need a name. If the
/// browser is already browsing, the browser starts again: it removes the services that it has found, and does not
/// report these services as lost.
///
/// # Errors
/// Returns an [`AnnounceError`] that states the reason.
pub fn browse<A: HasBrowser>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    kind: &'static str,
) -> Result<(), AnnounceError> {
    if kind.len() > MAX_LABEL {
        return Err(AnnounceError::TooLong { most: MAX_LABEL });
    }
    if !is_host_name(kind) {
        return Err(AnnounceError::Invalid);
    }
    if !cx.is_seeded() {
        return Err(UnseededError.into());
    }
    let timer = match app.browser().query.timer {
        Some(timer) => timer,
        None => cx.new_timer(Mode::OneShot, tick::<A>).map_err(SetupError::from)?,
    };
    if let Err(error) = bind(app, cx, receive_for_both::<A>) {
        if app.browser().query.timer.is_none()
            && let Ok(mut timer) = cx.event(timer)
        {
            timer.free();
        }
        return Err(error.into());
    }
    let responder = app.mdns();
    responder.is_shared = true;
    if let Some(Ok(mut udp)) = responder.socket.map(|socket| cx.udp(socket)) {
        udp.on_event(receive_for_both::<A>);
    }
    // Many devices may have started at the same time. So the first question is sent after a random time.
    let random = u64::from(cx.random_u32().unwrap_or_default() & 0xFFFF);
    let delay = random.wrapping_add(20_000);
    let now = cx.now().as_micros();
    let browser = app.browser();
    browser.services.iter_mut().for_each(|service| *service = FoundService::FREE);
    (browser.query.kind, browser.query.timer) = (kind, Some(timer));
    browser.query.next = Instant::from_micros(now.saturating_add(delay));
    browser.query.interval = 1;
    arm(app, cx);
    Ok(())
}

/// Stops browsing, and removes the services that were found.
pub fn stop_browsing<A: HasBrowser>(app: &mut A, cx: &mut Cx<'_, A>) {
    let browser = app.browser();
    let Some(timer) = browser.query.timer.take() else { return };
    browser.services.iter_mut().for_each(|service| *service = FoundService::FREE);
    if let Ok(mut timer) = cx.event(timer) {
        timer.free();
    }
    let responder = app.mdns();
    responder.is_shared = false;
    // The state shows whether the responder still needs the socket. The timer does not show this: after a failed
    // `announce`, the responder has a timer but no name.
    if responder.state == NameState::Silent {
        close(app, cx);
    } else if let Some(Ok(mut udp)) = responder.socket.map(|socket| cx.udp(socket)) {
        udp.on_event(received::<A>);
    }
}

/// Called when the browser's timer is due.
fn tick<A: HasBrowser>(app: &mut A, event: &mut EventMut<'_, '_, A>) {
    let cx = event.cx();
    // Binds the socket again if the last bind has failed.
    if bind(app, cx, receive_for_both::<A>).is_err() {
        return ask_later(app, cx);
    }
    let mut buffer = [0; MESSAGE];
    let length = app.browser().write_due_questions(cx.now(), &mut buffer);
    send(app, cx, GROUP, &buffer, length);
    report_events(app, cx);
}

/// Begins with the questions again later, because there is no socket now.
fn ask_later<A: HasBrowser>(app: &mut A, cx: &mut Cx<'_, A>) {
    let query = app.browser().query;
    query.next = cx.now().after(Duration::from_millis(BIND_WAIT.into()));
    query.interval = 1;
    arm(app, cx);
}

/// Called when messages have arrived, for the browser and for the responder.
fn receive_for_both<A: HasBrowser>(app: &mut A, udp: &mut UdpMut<'_, '_, A>, event: UdpEvent) {
    if handle_bind_error(app, udp, event) {
        return ask_later(app, udp.cx());
    }
    let now = udp.cx().now();
    while let Some(datagram) = udp.peek() {
        app.browser().handle_message(datagram.data, datagram.from.port(), now);
        receive(app, udp);
    }
    report_events(app, udp.cx());
}

/// Calls [`HasBrowser::service`] for each service that was found, has changed, or was lost.
fn report_events<A: HasBrowser>(app: &mut A, cx: &mut Cx<'_, A>) {
    for index in 0..app.browser().services.len() as u16 {
        let browser = app.browser();
        let Some(service) = browser.services.get_mut(usize::from(index)) else { continue };
        let pending = core::mem::replace(&mut service.pending, Pending::None);
        let event = match pending {
            Pending::None => continue,
            Pending::Found => ServiceEvent::Found(index),
            Pending::Changed => ServiceEvent::Changed(index),
            Pending::Lost => ServiceEvent::Lost(index),
        };
        app.service(cx, event);
        if pending == Pending::Lost {
            let browser = app.browser();
            let service = browser.services.get_mut(usize::from(index));
            // If the callback has restarted the browser, the entry is already free.
            if let Some(service) = service.filter(|service| service.state == State::Reported) {
                *service = FoundService::FREE;
            }
        }
    }
    arm(app, cx);
}

/// Arms the timer for the next question or expiry.
fn arm<A: HasBrowser>(app: &mut A, cx: &mut Cx<'_, A>) {
    let now = cx.now();
    let browser = app.browser();
    let next = browser.next_time();
    if let Some(Ok(mut timer)) = browser.query.timer.map(|timer| cx.event(timer)) {
        // `add` never fails for a timer.
        let _ = timer
            .add(Some(Duration::from_micros(next.as_micros().saturating_sub(now.as_micros()))));
    }
}
