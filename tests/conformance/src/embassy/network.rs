//! The environment of the device's loop: the stack's task, the cable and the peers.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::Pin;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use embassy_net::{
    Config, Ipv4Cidr, Ipv6Cidr, Stack, StackResources, StaticConfigV4, StaticConfigV6,
};
use picoevent_sim_support::net::DeviceEnd;

use super::cable::Cable;
use super::clock;
use super::peer::Peers;
use crate::harness::UDP;

const DEVICE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const DEVICE_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2);

/// Returns the address of the host with this number. Host 1 is the interface of the peers, and host 2 is the device.
/// There are no other hosts.
pub(super) const fn host(v6: bool, number: u8) -> IpAddr {
    match v6 {
        true => IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, number as u16)),
        false => IpAddr::V4(Ipv4Addr::new(10, 0, 0, number)),
    }
}

/// The number of TCP sockets of the device.
pub(super) const SOCKETS: usize = 12;

pub(super) struct Network {
    /// The task of the device's loop.
    pub(super) device: Arc<Task>,
    runner: Arc<Task>,
    run_stack: Pin<Box<dyn Future<Output = ()>>>,
    pub(super) peers: Peers,
}

/// The maximum number of rounds in a run of the loop. Each round polls the tasks, and lets time jump if
/// no task has work.
const ROUNDS: usize = 100_000;

impl Network {
    /// Makes a network. If `v6` is true, the network uses IPv6. If `v6` is false, it uses IPv4.
    pub(super) fn new(v6: bool) -> (Self, Stack<'static>) {
        clock::reset();
        let cable = Rc::new(RefCell::new(Cable::default()));
        let resources = Box::leak(Box::new(StackResources::<{ SOCKETS + UDP }>::new()));
        let address = match v6 {
            true => Config::ipv6_static(StaticConfigV6 {
                address: Ipv6Cidr::new(DEVICE_V6, 64),
                gateway: None,
                dns_servers: Default::default(),
            }),
            false => Config::ipv4_static(StaticConfigV4 {
                address: Ipv4Cidr::new(DEVICE, 24),
                gateway: None,
                dns_servers: Default::default(),
            }),
        };
        let end = DeviceEnd(cable.clone());
        let (stack, runner) = embassy_net::new(end, address, resources, 0x5eed);
        let runner_of_stack = Box::leak(Box::new(runner));
        let network = Self {
            device: Arc::default(),
            runner: Arc::default(),
            run_stack: Box::pin(async { runner_of_stack.run().await }),
            peers: Peers::new(cable, v6),
        };
        network.runner.wake_up();
        (network, stack)
    }

    /// Lets the stack and the peers work. Returns whether there was anything to do.
    pub(super) fn work(&mut self) -> bool {
        let ran = self.runner.poll(self.run_stack.as_mut()).is_some();
        self.peers.work(clock::now()) | ran
    }

    /// Runs the device's future until it is ready. The virtual time does not change while a task has work, and jumps to
    /// the next timer when no task has work.
    pub(super) fn drive<T>(&mut self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let device = self.device.clone();
        device.wake_up();
        for _ in 0..ROUNDS {
            let polled = device.poll(future.as_mut());
            if let Some(Poll::Ready(output)) = polled {
                return output;
            }
            if !self.work() && polled.is_none() {
                self.sleep();
            }
        }
        panic!("the loop does not end");
    }

    /// Lets the stack and the peers work while the loop does not run.
    pub(super) fn settle(&mut self) {
        while self.work() {}
    }

    /// Lets time jump to the next timer of the device or of the peers.
    pub(super) fn sleep(&mut self) {
        let next = clock::next().into_iter().chain(self.peers.next(clock::now())).min();
        let next = next.expect("without a timer the loop sleeps forever");
        clock::set(next.max(clock::now()));
    }
}

/// Whether a task was woken since its last poll.
#[derive(Default)]
pub(super) struct Task(AtomicBool);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Task {
    pub(super) fn wake_up(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Polls the task's future if it was woken.
    pub(super) fn poll<F: Future + ?Sized>(
        self: &Arc<Self>,
        future: Pin<&mut F>,
    ) -> Option<Poll<F::Output>> {
        let woken = self.0.swap(false, Ordering::SeqCst);
        woken.then(|| future.poll(&mut Context::from_waker(&Waker::from(self.clone()))))
    }
}
