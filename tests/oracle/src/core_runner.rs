//! Runs a program on picoevent. The back end works on a virtual world.

mod back_end;
mod conn;
mod step;

use std::{cell::RefCell, fmt::Write, rc::Rc, task::Poll};

use picoevent::{
    Conn, Cx, DispatchLimit, End, Event, EventBase, EventFlags, EventMut, Instant, Mode, Pool,
    Priority, Run, Signal, Source, Storage,
};

use back_end::{BackEnd, Stop};

use crate::{
    program::{
        CONNS, INPUT, Id, Limit, MAX_ID, MOST_CALLS, OUTPUT, Op, Plan, SOURCES, WaitsFor,
        WatcherKind, bits, run,
    },
    world::{Reporting, World},
};

type Base<'s> = EventBase<'s, App>;

const POOLS: [Pool; 2] = {
    let pool = Pool::new(CONNS as u16).rings(INPUT, OUTPUT);
    [pool, pool.in_memory()]
};

type Memory = Storage<App, 96, { 2 * CONNS }, { Pool::all_bytes(&POOLS) }, 0, 2, 96>;

/// The memory of an event base. All programs use the same memory, one after another.
pub struct CoreRunner(Box<Memory>);

/// The state of the program that runs.
struct App {
    plan: Rc<Plan>,
    /// The world. The application and the back end share it.
    world: Rc<RefCell<World>>,
    trace: String,
    events: [Option<Event>; MAX_ID],
    sources: [Option<Source>; SOURCES],
    /// The connections. The application and the back end use the same handles.
    conns: [Option<Conn>; CONNS],
    streams: [conn::Streams; CONNS],
    firings: [u32; MAX_ID],
    calls: u32,
    is_over: bool,
}

impl Default for CoreRunner {
    fn default() -> Self {
        Self(Box::new(Storage::new()))
    }
}

impl CoreRunner {
    /// Runs a program and returns its trace.
    pub fn run(&mut self, plan: &Rc<Plan>) -> String {
        let mut base = EventBase::new(&mut *self.0);
        let mut app = App::new(plan, &mut base);
        let mut back_end = BackEnd::new(app.world.clone(), app.sources, app.with_sockets());
        app.open(&mut base, &mut back_end);
        for op in &plan.main {
            if app.is_over {
                break;
            }
            base.update_now(app.now());
            match op {
                Op::Run(flags) => app.run(&mut base, &mut back_end, *flags),
                op => app.step(&mut base, *op),
            }
        }
        if app.is_over {
            app.trace.push_str("over\n");
        }
        app.trace
    }
}

impl App {
    fn new(plan: &Rc<Plan>, base: &mut Base<'_>) -> Self {
        let mut app = Self {
            plan: plan.clone(),
            world: Rc::new(RefCell::new(World::new(&plan.external_events, Reporting::OnRequest))),
            trace: String::new(),
            events: [None; MAX_ID],
            sources: std::array::from_fn(|_| base.new_source().ok()),
            conns: conn::make(base, plan),
            streams: Default::default(),
            firings: [0; MAX_ID],
            calls: 0,
            is_over: false,
        };
        base.set_dispatch_limit(plan.limit.map(dispatch_limit));
        for id in &plan.declared {
            match plan.watchers[usize::from(*id)] {
                None => app.make(base, *id),
                Some(when) => app.make_watcher(base, *id, when),
            }
        }
        app
    }

    fn make(&mut self, cx: &mut Cx<'_, Self>, id: Id) {
        let plan = self.plan.clone();
        let Some(decl) = plan.decl(id).filter(|decl| !decl.once) else { return };
        let mode = if decl.persist { Mode::Persist } else { Mode::OneShot };
        let made = match decl.waits {
            WaitsFor::Nothing => cx.new_timer(mode, on_event),
            WaitsFor::Signal(number) => {
                let Some(signal) = Signal::new(number) else { return };
                cx.new_signal(signal, mode, on_event)
            }
            WaitsFor::Source(number) => {
                let Some(source) = self.sources[usize::from(number)] else { return };
                let edge = if decl.edge { bits::EDGE } else { 0 };
                cx.new_event(source, EventFlags::from_bits(decl.what | edge), mode, on_event)
            }
        };
        self.record_handle(cx, id, made.ok());
        if let Some(mut event) = made.ok().and_then(|event| cx.event(event).ok()) {
            let priority = decl.priority.and_then(Priority::new).unwrap_or_default();
            let _ = event.set_priority(priority);
        }
    }

    fn make_watcher(&mut self, cx: &mut Cx<'_, Self>, id: Id, when: WatcherKind) {
        let made = match when {
            WatcherKind::Prepare => cx.on_prepare(on_prepare),
            WatcherKind::Check => cx.on_check(on_check),
        };
        self.record_handle(cx, id, made.ok());
    }

    /// Records the handle of a declared event.
    fn record_handle(&mut self, cx: &mut Cx<'_, Self>, id: Id, event: Option<Event>) {
        self.events[usize::from(id)] = event;
        if let Some(mut event) = event.and_then(|event| cx.event(event).ok()) {
            event.set_user(u32::from(id));
        }
    }

    fn now(&self) -> Instant {
        step::instant(self.world.borrow().clock)
    }

    /// Runs the loop, and writes how it ended.
    fn run(&mut self, base: &mut Base<'_>, back_end: &mut BackEnd, flags: u8) {
        let mut stuck = "";
        base.begin(modes(flags));
        let end = loop {
            match base.iterate(self, back_end) {
                Poll::Ready(Ok(Some(end))) => break end,
                Poll::Ready(Err(Stop::Stuck)) => {
                    base.loop_break();
                    stuck = " stuck";
                }
                Poll::Ready(Err(Stop::TooManyPolls)) => {
                    self.is_over = true;
                    return;
                }
                Poll::Ready(Ok(None)) | Poll::Pending => {}
            }
        };
        if self.is_over {
            return;
        }
        let status = u8::from(end == End::Empty);
        let (exit, stop) = (u8::from(base.got_exit()), u8::from(base.got_break()));
        let clock = self.world.borrow().clock;
        self.write_trace(format_args!("end {status} exit {exit} break {stop}{stuck} t{clock}\n"));
    }

    /// Counts a callback. Returns `false` if the program is over.
    fn count_call(&mut self, cx: &mut Cx<'_, Self>) -> bool {
        self.calls += 1;
        assert!(self.calls < 2 * MOST_CALLS, "a break ends the loop");
        self.is_over |= self.calls > MOST_CALLS;
        if self.is_over {
            cx.loop_break();
        }
        !self.is_over
    }

    fn write_position(&mut self, cx: &Cx<'_, Self>) {
        let World { polls, clock, .. } = *self.world.borrow();
        let now = cx.now().as_micros() / 1000;
        self.write_trace(format_args!("p{polls} t{clock} n{now} "));
    }

    fn write_trace(&mut self, text: std::fmt::Arguments<'_>) {
        let written = self.trace.write_fmt(text);
        debug_assert!(written.is_ok(), "writing to a string does not fail");
    }

    fn script(&mut self, cx: &mut Cx<'_, Self>, id: Id) {
        let firing = self.firings[usize::from(id)];
        self.firings[usize::from(id)] += 1;
        let plan = self.plan.clone();
        for op in plan.script(id, firing) {
            if self.is_over {
                return;
            }
            self.step(cx, op);
        }
    }
}

fn on_event(app: &mut App, view: &mut EventMut<'_, '_, App>) {
    let (what, id) = (view.what(), view.user() as Id);
    let cx = view.cx();
    if !app.count_call(cx) {
        return;
    }
    app.write_position(cx);
    let (what, added) = (what.bits(), cx.counts().added);
    app.write_trace(format_args!("event {id} {what:02x} added {added}"));
    if let Some(event) = app.events[usize::from(id)] {
        let pending = step::pending(cx, event);
        app.write_trace(format_args!(" pending {pending:02x}"));
    }
    app.trace.push('\n');
    if let Some(decl) = app.plan.decl(id).filter(|decl| decl.drain)
        && let WaitsFor::Source(source) = decl.waits
    {
        app.world.borrow_mut().drain(source, what);
    }
    app.script(cx, id);
}

fn on_prepare(app: &mut App, view: &mut EventMut<'_, '_, App>) {
    if app.is_over {
        return;
    }
    let (id, cx) = (view.user() as Id, view.cx());
    app.write_position(cx);
    let wait = cx.wait_to_come().map_or("-".to_owned(), |wait| wait.as_millis().to_string());
    app.write_trace(format_args!("prepare {id} wait {wait}\n"));
    app.script(cx, id);
}

fn on_check(app: &mut App, view: &mut EventMut<'_, '_, App>) {
    if app.is_over {
        return;
    }
    let (id, cx) = (view.user() as Id, view.cx());
    app.write_position(cx);
    app.write_trace(format_args!("check {id}\n"));
    app.script(cx, id);
}

fn dispatch_limit(limit: Limit) -> DispatchLimit {
    DispatchLimit {
        callbacks: limit.callbacks,
        time: limit.time.map(step::duration),
        priority: Priority::new(limit.priority).unwrap_or_default(),
    }
}

fn modes(flags: u8) -> Run {
    let modes = [
        (run::ONCE, Run::ONCE),
        (run::NONBLOCK, Run::NONBLOCK),
        (run::NO_EXIT_ON_EMPTY, Run::NO_EXIT_ON_EMPTY),
    ];
    let requested = modes.iter().filter(|(flag, _)| flags & flag != 0);
    requested.fold(Run::DEFAULT, |sum, (_, mode)| sum | *mode)
}
