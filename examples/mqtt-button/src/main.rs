//! mqtt-button on a PC: `mqtt-button --broker ADDR:PORT`. Each line on standard input and each `SIGUSR1` is a press.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread;

use mqtt_button::{BROKER, Button, PORT, PRESSED};
use picoevent::{EventBase, Storage, Trigger};
use picoevent_mio::Live;
use static_cell::ConstStaticCell;

const USAGE: &str = "usage: [--broker ADDR:PORT]   each line on standard input is a press";

static MEMORY: ConstStaticCell<Storage<Button, 2, { BROKER.conns() }, { BROKER.bytes() }, 0, 1>> =
    ConstStaticCell::new(Storage::new());

/// The button.
static BUTTON: Trigger = Trigger::new(PRESSED);

fn main() -> ExitCode {
    desk::run(|| {
        let Some([broker]) = desk::addresses(["--broker"], USAGE)? else { return Ok(()) };
        let broker = broker.unwrap_or(SocketAddr::from(([127, 0, 0, 1], PORT)));
        let (mut base, mut app) = (EventBase::new(MEMORY.take()), Button::new(broker));
        let pool = base.add_pool(BROKER).map_err(|error| error.to_string())?;
        app.start(&mut base, pool).map_err(|error| error.to_string())?;
        let failed = |error| format!("the event loop failed: {error}");
        let mut live = Live::new().map_err(failed)?;
        live.add_trigger(&BUTTON);
        // The thread ends with the process.
        thread::spawn(|| {
            std::io::stdin().lines().map_while(Result::ok).for_each(|_| BUTTON.raise());
        });
        live.run(&mut base, &mut app).map_err(failed)?;
        desk::print_line(format_args!("done"));
        Ok(())
    })
}
