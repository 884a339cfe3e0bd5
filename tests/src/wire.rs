//! A cable: Ethernet frames over Unix datagram sockets, one frame per datagram.
//!
//! The sockets use the format of QEMU's `-netdev dgram` with Unix addresses. The socket files are in a folder of the
//! test, so nothing is shared with another test and no free port number is needed. A [`Wire`] can be used as a smoltcp
//! device. The wire also reads the frames, because only the frames show whether a connection ended with a reset or
//! cleanly. The wire can also cut off a TCP port. For the far side, this looks like a power failure of the host with
//! this port.
//!
//! A frame that the far side does not accept is lost, as on a real cable. The wire itself adds no other faults.
//! [`Wire::add_cable`] adds a simulated [`Cable`], which can drop, delay or damage frames.

use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant as Moment};

use picoevent_sim::world::{Cable, Direction};
use picoevent_sim_support::net::{self as support, End, MTU, PeerEnd, Segment};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// The maximum time that a frame waits for space in the far side's queue. After this time, the frame is lost.
///
/// QEMU stops reading while its NIC model is full, so a short wait is ordinary back-pressure. But if the guest has
/// stopped forever, the test must continue.
const LIMIT: Duration = Duration::from_millis(100);

/// The time to wait for a frame from the far side before the next attempt to send.
const TRY_EVERY: Duration = Duration::from_millis(1);

/// One side of a cable.
pub struct Wire {
    socket: UnixDatagram,
    /// The destination of frames, or `None` for a connected socket.
    far_end: Option<PathBuf>,
    cut_ports: HashSet<u16>,
    reset_ports: HashSet<u16>,
    /// The near ports for which [`Wire::hold_syns`] was called. A frame with a SYN to one of these ports is held: the
    /// stack does not receive it yet.
    held_syn_ports: HashSet<u16>,
    /// The held frames.
    held_syns: Vec<HeldSyn>,
    /// Frames that were held and that the stack receives next.
    released: VecDeque<Vec<u8>>,
    /// Frames that arrived while a frame in the other direction waited for space.
    received_while_sending: VecDeque<Vec<u8>>,
    /// The simulated cable with faults, and its start time.
    cable: Option<(Cable, Moment)>,
}

/// A held frame: its SYN goes to a port for which [`Wire::hold_syns`] was called.
pub(crate) struct HeldSyn {
    /// The source address and the source port of the connection.
    pub(crate) source: (Ipv4Addr, u16),
    port: u16,
    frame: Vec<u8>,
}

impl Wire {
    /// Makes one side of a cable. Its socket gets the path `near_end`, which must not exist yet. Frames go to the
    /// socket at `far_end`.
    ///
    /// The program at the other side may start and end at any time. While that program has not bound `far_end`, frames
    /// to `far_end` are lost.
    ///
    /// # Errors
    /// The error of the operating system, for example for a path of more than 107 bytes.
    pub fn bind(near_end: &Path, far_end: &Path) -> io::Result<Self> {
        Self::over(UnixDatagram::bind(near_end)?, Some(far_end.to_owned()))
    }

    /// Makes a cable with both sides in this process.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (near_end, far_end) = UnixDatagram::pair()?;
        Ok((Self::over(near_end, None)?, Self::over(far_end, None)?))
    }

    /// Makes one side of a cable from a socket.
    pub(crate) fn over(socket: UnixDatagram, far_end: Option<PathBuf>) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            far_end,
            cut_ports: HashSet::new(),
            reset_ports: HashSet::new(),
            held_syn_ports: HashSet::new(),
            held_syns: Vec::new(),
            released: VecDeque::new(),
            received_while_sending: VecDeque::new(),
            cable: None,
        })
    }

    /// Returns a smoltcp device that sends and receives through this side of the cable.
    pub fn device(self) -> PeerEnd<Rc<RefCell<Self>>> {
        PeerEnd(Rc::new(RefCell::new(self)))
    }

    /// Waits until a frame has arrived, at most for `at_most`. Returns whether a frame has arrived.
    pub fn wait(&self, at_most: Duration) -> bool {
        if !self.released.is_empty() || !self.received_while_sending.is_empty() {
            return true;
        }
        let until_next = self.cable.as_ref().and_then(|(cable, since)| {
            let now = micros(*since);
            let waiting = cable.has_arrived(Direction::ToPeer);
            let next = if waiting { Some(now) } else { cable.deadline() };
            next.map(|next| Duration::from_micros(next.saturating_sub(now)))
        });
        let ready = self.is_readable(until_next.unwrap_or(at_most).min(at_most));
        ready || until_next == Some(Duration::ZERO)
    }

    /// Waits until a frame has arrived at the socket, at most for `at_most`. Returns whether a frame has arrived.
    fn is_readable(&self, at_most: Duration) -> bool {
        let limit = Timespec::try_from(at_most).ok();
        let mut sockets = [PollFd::new(&self.socket, PollFlags::IN)];
        // If a signal interrupts the wait, this function returns `false` too early. Every caller waits again.
        poll(&mut sockets, limit.as_ref()).is_ok_and(|ready| ready > 0)
    }

    /// Adds a simulated cable with faults. All frames go through the cable. In the simulated cable, the far side is the
    /// device's end. The cable's time begins now.
    pub fn add_cable(&mut self, cable: Cable) {
        self.cable = Some((cable, Moment::now()));
    }

    /// Cuts off the near TCP port `port`. From now on, all segments from and to this port are dropped.
    pub fn cut(&mut self, port: u16) {
        self.cut_ports.insert(port);
    }

    /// Returns whether the far side has ever sent a reset to the near TCP port `port`.
    pub fn saw_reset(&self, port: u16) -> bool {
        self.reset_ports.contains(&port)
    }

    /// Holds each frame with a SYN to the near TCP port `port` until the frame is passed to [`Wire::release`].
    pub(crate) fn hold_syns(&mut self, port: u16) {
        self.held_syn_ports.insert(port);
    }

    /// Takes the held frames for a port. A frame is lost if it is not passed to [`Wire::release`].
    pub(crate) fn take_held_syns(&mut self, port: u16) -> Vec<HeldSyn> {
        self.held_syns.extract_if(.., |syn| syn.port == port).collect()
    }

    /// Passes a held frame to the stack.
    pub(crate) fn release(&mut self, syn: HeldSyn) {
        self.released.push_back(syn.frame);
    }

    /// Takes the next frame for the stack. Skips frames to ports that were cut off, and holds frames with a SYN to the
    /// ports of [`Wire::hold_syns`].
    fn next_frame(&mut self) -> Option<Vec<u8>> {
        if let Some(released) = self.released.pop_front() {
            return Some(released);
        }
        loop {
            let frame = match self.cable.is_some() {
                true => self.pump()?,
                false => self.arrived()?,
            };
            match Segment::of(&frame) {
                Some(segment) if self.cut_ports.contains(&segment.target.1) => continue,
                Some(segment) if segment.syn && self.held_syn_ports.contains(&segment.target.1) => {
                    self.held_syns.push(HeldSyn {
                        source: segment.source,
                        port: segment.target.1,
                        frame,
                    });
                    continue;
                }
                Some(segment) if segment.rst => {
                    self.reset_ports.insert(segment.target.1);
                }
                _ => {}
            }
            return Some(frame);
        }
    }

    /// Takes the next frame that has arrived.
    fn arrived(&mut self) -> Option<Vec<u8>> {
        self.received_while_sending.pop_front().or_else(|| self.read())
    }

    /// Takes the next frame from the socket.
    fn read(&self) -> Option<Vec<u8>> {
        let mut frame = vec![0; MTU];
        let length = self.socket.recv(&mut frame).ok()?;
        frame.truncate(length);
        Some(frame)
    }

    /// Moves frames through the cable. Returns the next frame that has reached this side.
    fn pump(&mut self) -> Option<Vec<u8>> {
        while let Some(frame) = self.arrived() {
            let (cable, since) = self.cable.as_mut()?;
            cable.send(micros(*since), Direction::ToPeer, &frame);
        }
        let (cable, since) = self.cable.as_mut()?;
        cable.advance(micros(*since));
        while let Some(frame) = self.cable.as_mut()?.0.take(Direction::ToDevice) {
            self.put(&frame);
        }
        self.cable.as_mut()?.0.take(Direction::ToPeer)
    }

    fn send(&mut self, frame: &[u8]) {
        if Segment::of(frame).is_some_and(|segment| self.cut_ports.contains(&segment.source.1)) {
            return;
        }
        match &mut self.cable {
            Some((cable, since)) => cable.send(micros(*since), Direction::ToDevice, frame),
            None => self.put(frame),
        }
    }

    /// Sends a frame to the far side. If no program has bound the far side's socket, or its queue stays full for
    /// [`LIMIT`], the frame is lost.
    ///
    /// While the frame waits, this function reads the frames from the far side. Without these reads, both sides could
    /// block each other: the far side may have to send a frame and free its buffer, before it can read the next frame.
    fn put(&mut self, frame: &[u8]) {
        let begin = Moment::now();
        let is_full = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
        while self.try_write(frame).is_err_and(is_full) && begin.elapsed() < LIMIT {
            if self.is_readable(TRY_EVERY) {
                self.received_while_sending.extend(self.read());
            }
        }
    }

    fn try_write(&self, frame: &[u8]) -> io::Result<usize> {
        match &self.far_end {
            Some(path) => self.socket.send_to(frame, path),
            None => self.socket.send(frame),
        }
    }
}

/// Returns the number of microseconds since a time.
fn micros(since: Moment) -> u64 {
    since.elapsed().as_micros() as u64
}

impl support::Cable for Wire {
    /// This address is not used, because the device is a separate program with its own address.
    const DEVICE: [u8; 6] = [0; 6];

    fn take(&mut self, _: End) -> Option<Vec<u8>> {
        self.next_frame()
    }

    fn send(&mut self, _: End, frame: Vec<u8>) {
        self.send(&frame);
    }

    fn is_up(&self) -> bool {
        true
    }

    fn set_waker(&mut self, _: &Waker) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_keep_their_order_and_their_bounds() {
        let (mut near, mut far) = Wire::pair().unwrap();
        near.send(&[1; 60]);
        near.send(&[2; MTU]);
        assert!(far.wait(Duration::ZERO));
        assert_eq!(far.next_frame(), Some(vec![1; 60]));
        assert_eq!(far.next_frame(), Some(vec![2; MTU]));
        assert_eq!(far.next_frame(), None);
    }

    /// Makes both sides of a cable with sockets in `folder`, as for a cable to QEMU.
    fn bound(folder: &Path) -> (Wire, Wire) {
        let (here, there) = (folder.join("here"), folder.join("there"));
        (Wire::bind(&here, &there).unwrap(), Wire::bind(&there, &here).unwrap())
    }

    #[test]
    fn the_far_end_may_start_late_and_stop_early() {
        let folder = tempfile::tempdir().unwrap();
        let (here, there) = (folder.path().join("here"), folder.path().join("there"));
        let mut near = Wire::bind(&here, &there).unwrap();
        near.send(b"lost");
        let mut far = Wire::bind(&there, &here).unwrap();
        near.send(b"delivered");
        assert_eq!(far.next_frame(), Some(b"delivered".to_vec()));
        drop(far);
        near.send(b"lost");
        assert_eq!(near.next_frame(), None);
    }

    #[test]
    fn a_cable_in_the_wire_delays_and_cuts_both_ways() {
        let (mut near, mut far) = Wire::pair().unwrap();
        let scenario = "latency = '20 ms'\n[[fault]]\nkind = 'partition'\ndirection = 'to-peer'\n\
                        from = '0 s'\nlasts = '1 h'";
        let begin = Moment::now();
        near.add_cable(Cable::new(&scenario.parse().unwrap(), 0));
        near.send(b"to the device");
        far.send(b"to the peer");
        assert_eq!((near.next_frame(), far.next_frame()), (None, None));
        while !far.wait(Duration::ZERO) {
            assert!(near.wait(Duration::from_secs(1)) || begin.elapsed() < Duration::from_secs(60));
            assert_eq!(near.next_frame(), None);
        }
        assert!(begin.elapsed() >= Duration::from_millis(20));
        assert_eq!(far.next_frame(), Some(b"to the device".to_vec()));
    }

    #[test]
    fn a_far_end_that_sends_before_it_reads_does_not_stop_the_sender() {
        let folder = tempfile::tempdir().unwrap();
        let (here, there) = (folder.path().join("here"), folder.path().join("there"));
        let mut near = Wire::bind(&here, &there).unwrap();
        let far = UnixDatagram::bind(&there).unwrap();
        far.connect(&here).unwrap();
        // Fill both queues. Then each side sends one more frame.
        let sent = std::iter::from_fn(|| near.try_write(&[1; 60]).ok()).count();
        far.set_nonblocking(true).unwrap();
        let back = std::iter::from_fn(|| far.send(&[2; 60]).ok()).count();
        let far = std::thread::spawn(move || {
            far.set_nonblocking(false).unwrap();
            far.send(&[3; 60]).unwrap();
            far.set_read_timeout(Some(LIMIT)).unwrap();
            std::iter::from_fn(|| far.recv(&mut [0; 60]).ok()).count()
        });
        near.send(&[4; 60]);
        assert_eq!(far.join().unwrap(), sent + 1);
        let arrived: Vec<_> = std::iter::from_fn(|| near.next_frame()).collect();
        assert_eq!(arrived.len(), back + 1);
        assert_eq!(arrived.last(), Some(&vec![3; 60]));
    }

    #[test]
    fn a_far_end_that_never_reads_does_not_stop_the_sender() {
        let folder = tempfile::tempdir().unwrap();
        let (mut near, mut far) = bound(folder.path());
        let queue = std::fs::read_to_string("/proc/sys/net/unix/max_dgram_qlen").unwrap();
        let room: usize = queue.trim().parse().unwrap();
        // The kernel's queue accepts slightly more frames than `max_dgram_qlen`, so the test sends four more frames.
        for _ in 0..room + 4 {
            near.send(&[0; 60]);
        }
        let arrived = std::iter::from_fn(|| far.next_frame()).count();
        assert!((1..room + 4).contains(&arrived), "{arrived} frames arrived");
    }
}
