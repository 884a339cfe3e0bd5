//! Event loops in C as plug-ins: the Rust side of `c/loops.h`, and the only unsafe code of this
//! package.
//!
//! A plug-in's own symbols take precedence over those of other libraries (`RTLD_DEEPBIND`), since
//! libev has functions with the same names as libevent.

#![allow(unsafe_code, reason = "plug-ins are C")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::ptr::NonNull;

use anyhow::{Context, Result, bail};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::chain::ring::Ring;
use crate::{active, chain, timers};

/// glibc: symbols are looked up in the plug-in and its libraries first.
const RTLD_DEEPBIND: c_int = 8;

/// A plug-in, which stays loaded until the process ends.
pub struct Plugin(&'static Loops);

#[repr(C)]
struct Loops {
    chains: *const ChainTable,
    actives: *const ActiveTable,
    timers: *const TimersTable,
}

#[repr(C)]
struct ChainTable {
    name: *const c_char,
    open: extern "C" fn(
        u32,
        *const c_int,
        extern "C" fn(*const c_void, u32),
        *const c_void,
    ) -> *mut c_void,
    iteration: extern "C" fn(NonNull<c_void>),
    close: extern "C" fn(NonNull<c_void>),
}

#[repr(C)]
struct ActiveTable {
    name: *const c_char,
    open: extern "C" fn(u32) -> *mut c_void,
    run: extern "C" fn(NonNull<c_void>, u64) -> u64,
    close: extern "C" fn(NonNull<c_void>),
}

#[repr(C)]
struct TimersTable {
    name: *const c_char,
    only_ms: u32,
    open: extern "C" fn(u32) -> *mut c_void,
    in_callback: extern "C" fn(NonNull<c_void>, extern "C" fn(*mut c_void), *mut c_void) -> u64,
    set: extern "C" fn(NonNull<c_void>, *const u32, *const u32, u32),
    cancel: extern "C" fn(NonNull<c_void>, *const u32, u32),
    refresh: extern "C" fn(NonNull<c_void>),
    iteration: extern "C" fn(NonNull<c_void>) -> u64,
    close: extern "C" fn(NonNull<c_void>),
}

impl Plugin {
    /// Loads a plug-in.
    pub fn load(path: &Path) -> Result<Self> {
        let flags = RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND;
        let failed = || format!("{} cannot be loaded", path.display());
        // SAFETY: the file was built by this bench from the sources in `c/`, and its libraries have
        // no constructors that touch this program.
        let library = unsafe { Library::open(Some(path), flags) }.with_context(failed)?;
        // The library is never unloaded.
        let library: &'static Library = Box::leak(Box::new(library));
        // SAFETY: in every plug-in `loops` is a `struct loops`, and `Loops` has the same layout.
        let loops = unsafe { library.get::<*const Loops>(b"loops\0") }.with_context(failed)?;
        // SAFETY: the symbol is the address of a constant in a library that is never unloaded.
        Ok(Self(unsafe { &*loops.into_raw().cast::<Loops>() }))
    }

    /// Returns the plug-in's contenders for [`chain`].
    pub fn chains(&self) -> Vec<chain::Contender> {
        let contender = |(name, table): (_, &'static ChainTable)| chain::Contender {
            name,
            extra_descriptors: 0,
            run: Box::new(move |watch, body| run_chain(table, watch, body)),
        };
        named(self.0.chains, |table| table.name).into_iter().map(contender).collect()
    }

    /// Returns the plug-in's contenders for [`active`].
    pub fn actives(&self) -> Vec<active::Contender> {
        let contender = |(name, table): (_, &'static ActiveTable)| active::Contender {
            name,
            run: Box::new(move |events, body| {
                let handle = Handle::new((table.open)(events), table.close)?;
                body(&mut ActiveLoop { table, handle })
            }),
        };
        named(self.0.actives, |table| table.name).into_iter().map(contender).collect()
    }

    /// Returns the plug-in's contenders for [`timers`].
    pub fn timers(&self) -> Vec<timers::Contender> {
        let contender = |(name, table): (_, &'static TimersTable)| timers::Contender {
            name,
            max_timers: u32::MAX,
            only_ms: table.only_ms,
            run: Box::new(move |count, body| {
                let handle = Handle::new((table.open)(count), table.close)?;
                body(&mut TimersLoop { table, handle: handle.address })
            }),
        };
        named(self.0.timers, |table| table.name).into_iter().map(contender).collect()
    }
}

/// Returns the entries of an array that is terminated by an entry without a name.
fn named<T>(first: *const T, name: fn(&T) -> *const c_char) -> Vec<(&'static str, &'static T)> {
    let mut entries = Vec::new();
    loop {
        // SAFETY: the arrays of a plug-in are constants of a library that stays loaded. They end
        // with an entry without a name, and this loop does not go past that entry.
        let entry: &'static T = unsafe { &*first.add(entries.len()) };
        let name = name(entry);
        if name.is_null() {
            return entries;
        }
        // SAFETY: a name is a C string of the plug-in.
        let name = unsafe { CStr::from_ptr(name) };
        entries.push((name.to_str().unwrap_or("(name is not UTF-8)"), entry));
    }
}

/// An open loop of a plug-in.
struct Handle {
    address: NonNull<c_void>,
    close: extern "C" fn(NonNull<c_void>),
}

impl Handle {
    fn new(address: *mut c_void, close: extern "C" fn(NonNull<c_void>)) -> Result<Self> {
        let Some(address) = NonNull::new(address) else {
            bail!("the plug-in could not open its loop")
        };
        Ok(Self { address, close })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        (self.close)(self.address);
    }
}

fn run_chain(
    table: &'static ChainTable,
    watch: &chain::Watch<'_>,
    body: chain::Body<'_>,
) -> Result<()> {
    let descriptors: Vec<c_int> = watch.descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let (count, ring) = (descriptors.len() as u32, std::ptr::from_ref(watch.ring).cast());
    let address = (table.open)(count, descriptors.as_ptr(), ready, ring);
    let handle = Handle::new(address, table.close)?;
    body(&mut ChainLoop { table, handle })
}

extern "C" fn ready(ring: *const c_void, index: u32) {
    // SAFETY: `ring` is the address of a `Ring`, unchanged by the plug-in. The `Ring` lives longer than the loop of the
    // plug-in.
    unsafe { &*ring.cast::<Ring>() }.ready(index);
}

struct ChainLoop {
    table: &'static ChainTable,
    handle: Handle,
}

impl chain::Chain for ChainLoop {
    fn iterate(&mut self) -> Result<()> {
        (self.table.iteration)(self.handle.address);
        Ok(())
    }
}

struct ActiveLoop {
    table: &'static ActiveTable,
    handle: Handle,
}

impl active::Active for ActiveLoop {
    fn run(&mut self, callbacks: u64) -> Result<u64> {
        Ok((self.table.run)(self.handle.address, callbacks))
    }
}

#[derive(Clone, Copy)]
struct TimersLoop {
    table: &'static TimersTable,
    handle: NonNull<c_void>,
}

/// The argument of [`call_body`], which a plug-in passes through its loop.
struct CallbackBody<'b> {
    timers: TimersLoop,
    call: &'b mut dyn FnMut(&mut dyn timers::Operations),
}

impl timers::Operations for TimersLoop {
    fn set(&mut self, which: &[u32], ms: &[u32]) {
        let count = which.len().min(ms.len()) as u32;
        (self.table.set)(self.handle, which.as_ptr(), ms.as_ptr(), count);
    }

    fn cancel(&mut self, which: &[u32]) {
        (self.table.cancel)(self.handle, which.as_ptr(), which.len() as u32);
    }

    fn refresh(&mut self) {
        (self.table.refresh)(self.handle);
    }
}

impl timers::Timers for TimersLoop {
    fn in_callback(&mut self, body: &mut dyn FnMut(&mut dyn timers::Operations)) -> u64 {
        let mut body = CallbackBody { timers: *self, call: body };
        let arg = std::ptr::from_mut(&mut body).cast();
        (self.table.in_callback)(self.handle, call_body, arg)
    }

    fn iterate(&mut self) -> Result<u64> {
        Ok((self.table.iteration)(self.handle))
    }
}

extern "C" fn call_body(arg: *mut c_void) {
    // SAFETY: `arg` is the address that `TimersLoop::in_callback` has passed to the plug-in. The plug-in calls this
    // function once, before its function `in_callback` returns.
    let body = unsafe { &mut *arg.cast::<CallbackBody<'_>>() };
    (body.call)(&mut body.timers);
}
