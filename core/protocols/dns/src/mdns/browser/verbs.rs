//! What an application does with its browser.

use core::time::Duration;

use picoevent::{Cx, EventMut, Instant, Mode, SetupError, UdpEvent, UdpMut, UnseededError};

use super::{FoundService, HasBrowser, News, ServiceEvent, State};
use crate::mdns::verbs::{bind, close, hear, heard, send};
use crate::mdns::{AnnounceError, GROUP, MAX_LABEL, MESSAGE};
use crate::wire::is_host_name;

/// Looks for the services of a kind, such as `_http._tcp`, from now on: it is asked at once, again after 1, 2, 4, … seconds,
/// at most an hour, and before what is known ends. [`HasBrowser::service`] is told of each.
///
/// The socket is that of the [responder](super::super::Responder), which need not have a name. A browser that looks for something
/// already begins anew: what it has found is forgotten, and not told to be lost.
///
/// # Errors
/// [`AnnounceError`].
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
    if let Err(error) = bind(app, cx, heard_by_both::<A>) {
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
        udp.on_event(heard_by_both::<A>);
    }
    // Many devices may have started at once.
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

/// Looks for services no more, and forgets those that were found.
pub fn stop_browsing<A: HasBrowser>(app: &mut A, cx: &mut Cx<'_, A>) {
    let browser = app.browser();
    let Some(timer) = browser.query.timer.take() else { return };
    browser.services.iter_mut().for_each(|service| *service = FoundService::FREE);
    if let Ok(mut timer) = cx.event(timer) {
        timer.free();
    }
    let responder = app.mdns();
    responder.is_shared = false;
    if responder.timer.is_none() {
        close(app, cx);
    } else if let Some(Ok(mut udp)) = responder.socket.map(|socket| cx.udp(socket)) {
        udp.on_event(heard::<A>);
    }
}

/// The browser's timer is due.
fn tick<A: HasBrowser>(app: &mut A, event: &mut EventMut<'_, '_, A>) {
    let cx = event.cx();
    let mut buffer = [0; MESSAGE];
    let length = app.browser().due(cx.now(), &mut buffer);
    send(app, cx, GROUP, &buffer, length);
    tell(app, cx);
}

/// Messages have come, for the browser and for the responder.
fn heard_by_both<A: HasBrowser>(app: &mut A, udp: &mut UdpMut<'_, '_, A>, _: UdpEvent) {
    let now = udp.cx().now();
    while let Some(datagram) = udp.peek() {
        app.browser().heard(datagram.data, datagram.from.port(), now);
        hear(app, udp);
    }
    tell(app, udp.cx());
}

/// Tells the application what is new.
fn tell<A: HasBrowser>(app: &mut A, cx: &mut Cx<'_, A>) {
    for place in 0..app.browser().services.len() as u16 {
        let browser = app.browser();
        let Some(service) = browser.services.get_mut(usize::from(place)) else { continue };
        let news = core::mem::replace(&mut service.news, News::None);
        let event = match news {
            News::None => continue,
            News::Found => ServiceEvent::Found(place),
            News::Changed => ServiceEvent::Changed(place),
            News::Lost => ServiceEvent::Lost(place),
        };
        app.service(cx, event);
        if news == News::Lost {
            let browser = app.browser();
            let service = browser.services.get_mut(usize::from(place));
            // The application may have begun anew.
            if let Some(service) = service.filter(|service| service.state == State::Told) {
                *service = FoundService::FREE;
            }
        }
    }
    arm(app, cx);
}

/// Sets the timer to what is due next.
fn arm<A: HasBrowser>(app: &mut A, cx: &mut Cx<'_, A>) {
    let now = cx.now();
    let browser = app.browser();
    let next = browser.next_time();
    if let Some(Ok(mut timer)) = browser.query.timer.map(|timer| cx.event(timer)) {
        // Adding fails for sources only.
        let _ = timer
            .add(Some(Duration::from_micros(next.as_micros().saturating_sub(now.as_micros()))));
    }
}
