//! A task polled by hand, which counts how often it was woken and worked.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

pub struct Task<T> {
    future: Option<Pin<Box<dyn Future<Output = T>>>>,
    flag: Arc<Flag>,
    /// How often the future was polled.
    pub polls: usize,
    /// What the future ended with.
    pub output: Option<T>,
}

#[derive(Default)]
struct Flag {
    woken: AtomicBool,
    wakes: AtomicUsize,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
        self.woken.store(true, Ordering::SeqCst);
    }
}

impl<T> Task<T> {
    pub fn new(future: impl Future<Output = T> + 'static) -> Self {
        let flag = Arc::new(Flag::default());
        flag.woken.store(true, Ordering::SeqCst);
        Self { future: Some(Box::pin(future)), flag, polls: 0, output: None }
    }

    /// Polls the future if it was woken; whether it was.
    pub fn work(&mut self) -> bool {
        let Some(future) = &mut self.future else { return false };
        if !self.flag.woken.swap(false, Ordering::SeqCst) {
            return false;
        }
        self.polls += 1;
        let waker = Waker::from(self.flag.clone());
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.output = Some(output);
            self.future = None;
        }
        true
    }

    /// How often the task was woken.
    pub fn wakes(&self) -> usize {
        self.flag.wakes.load(Ordering::SeqCst)
    }
}
