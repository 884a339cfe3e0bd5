//! A task that is polled by hand. It counts its wakes and polls.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

pub struct Task<T> {
    future: Option<Pin<Box<dyn Future<Output = T>>>>,
    flag: Arc<Flag>,
    /// The number of polls of the future.
    pub polls: usize,
    /// The result of the future.
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

    /// Polls the future if it was woken. Returns whether it was woken.
    pub fn poll_if_woken(&mut self) -> bool {
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

    /// Returns the number of wakes of the task.
    pub fn wakes(&self) -> usize {
        self.flag.wakes.load(Ordering::SeqCst)
    }
}
