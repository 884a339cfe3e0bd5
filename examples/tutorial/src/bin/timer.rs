//! A timer that fires three times.

use std::error::Error;
use std::time::Duration;

use picoevent::{EventBase, EventMut, Storage};
use picoevent_mio::Live;

/// The application's state.
struct App {
    ticks: u32,
}

/// The loop calls this each time the timer fires.
fn tick(app: &mut App, event: &mut EventMut<App>) {
    app.ticks += 1;
    println!("tick {} at {:?}", app.ticks, event.cx().now());
    if app.ticks == 3 {
        event.del();
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // Room for one event; no connections and no ring buffers.
    let mut storage = Storage::<App, 1, 0, 0>::new();
    let mut base = EventBase::new(&mut storage);
    base.every(Duration::from_millis(500), tick)?;
    Live::new()?.run(&mut base, &mut App { ticks: 0 })?;
    println!("nothing is left to wait for");
    Ok(())
}
