//! Panics of the device: stored for the verdict instead of printed.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Installs a panic hook that stores the panics of simulations. Other panics are printed as usual.
pub(crate) fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !WATCHED.get() {
                return before(info);
            }
            let location = info.location().map(|location| {
                let file =
                    location.file().rsplit_once("/src/").map_or(location.file(), |(_, file)| file);
                format!(" at {file}:{}", location.line())
            });
            LAST.set(location.unwrap_or_default());
        }));
    });
}

/// While this value exists, panics of this thread are stored instead of printed.
pub(crate) struct Watched(bool);

impl Watched {
    pub(crate) fn new() -> Self {
        Self(WATCHED.replace(true))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        WATCHED.set(self.0);
    }
}

/// Returns the message and the location of a panic.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let line = text.unwrap_or("a panic without a message").lines().next().unwrap_or_default();
    format!("{line}{}", LAST.take())
}
