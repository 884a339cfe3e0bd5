//! libevent's own regression tests, as scenarios under their original names: the groups main, heap, et, event_timer,
//! watch, finalize, thread, signal, evbuffer, bufferevent and listener, in virtual time.
//!
//! For each of libevent's tests, `docs/regress.md` names the scenario here, or the reason why there is none. Each
//! scenario makes the same assertions as libevent's test. A comment explains each intentional difference. The scenarios
//! about descriptors and signals also run with real descriptors and signals, in `sim-host/live/tests/regress`.

mod bufferevent;
mod et;
mod evbuffer;
mod evbuffer_conn;
mod evbuffer_move;
mod evbuffer_read;
mod evbuffer_write;
mod event_timer;
mod finalize;
mod heap;
mod listener;
mod main_base;
mod main_close;
mod main_counts;
mod main_loop;
mod main_once;
mod main_priorities;
mod main_streams;
mod main_time;
mod main_timers;
mod main_transfer;
mod network;
#[path = "../script/mod.rs"]
mod script;
mod signal;
mod thread;
mod watch;
