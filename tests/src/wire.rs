//! A cable: Ethernet frames over Unix datagram sockets, one frame per datagram.
//!
//! The sockets use the format of QEMU's `-netdev dgram` with Unix addresses. The socket files are in a folder of the
//! test, so nothing is shared with another test and no free port number is needed. A [`Wire`] can be used as a
//! smoltcp device. It also watches the frames, because only the frames distinguish a reset from a clean end of a
//! connection. It can also cut off a TCP port. For the other side, this looks like a power failure of the host behind
//! that port.
//!
//! A frame that the far side does not accept is lost, as on a real cable. Only a [`Cable`] of the
//! simulator that is [laid](Wire::lay) into the wire drops, delays or damages frames on purpose.

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

/// How long a frame waits for room in the far side's queue before it is lost.
///
/// QEMU stops reading while its NIC model is full, so a short wait is ordinary back-pressure. But if the guest has
/// stopped forever, the test must still continue.
const LIMIT: Duration = Duration::from_millis(100);

/// How long to wait for a frame from the far side before the next attempt to send.
const TRY_EVERY: Duration = Duration::from_millis(1);

/// One side of a cable.
pub struct Wire {
    socket: UnixDatagram,
    /// The destination of frames; `None` for a connected socket.
    far_end: Option<PathBuf>,
    cut_ports: HashSet<u16>,
    reset_ports: HashSet<u16>,
    /// The near ports whose SYNs are held, the held frames, and the admitted frames.
    held_ports: HashSet<u16>,
    calls: Vec<Call>,
    admitted: VecDeque<Vec<u8>>,
    /// Frames that arrived while another frame waited for room.
    meanwhile: VecDeque<Vec<u8>>,
    /// The cable with faults, and its start time.
    cable: Option<(Cable, Moment)>,
}

/// A frame with a SYN to a near port that [`Wire::hold_calls`] holds.
pub(crate) struct Call {
    /// The source of the connection.
    pub(crate) source: (Ipv4Addr, u16),
    port: u16,
    frame: Vec<u8>,
}

impl Wire {
    /// Makes the side of a cable whose socket is at `near_end`, a path that must not exist yet. Frames go to the
    /// socket at `far_end`.
    ///
    /// The other program may start and end at any time: until it has bound `far_end`, frames sent
    /// there are lost.
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
            held_ports: HashSet::new(),
            calls: Vec::new(),
            admitted: VecDeque::new(),
            meanwhile: VecDeque::new(),
            cable: None,
        })
    }

    /// Returns a smoltcp device that sends and receives through this side of the cable.
    pub fn device(self) -> PeerEnd<Rc<RefCell<Self>>> {
        PeerEnd(Rc::new(RefCell::new(self)))
    }

    /// Waits until a frame has arrived, at most for `at_most`. Returns whether a frame has arrived.
    pub fn wait(&self, at_most: Duration) -> bool {
        if !self.admitted.is_empty() || !self.meanwhile.is_empty() {
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
        // If a signal interrupts the wait, the wait is only shorter: every caller waits again.
        poll(&mut sockets, limit.as_ref()).is_ok_and(|ready| ready > 0)
    }

    /// Lays a cable with faults into the wire. The cable's device is the far side. The cable's time begins now.
    pub fn lay(&mut self, cable: Cable) {
        self.cable = Some((cable, Moment::now()));
    }

    /// Cuts off the near TCP port `port`: from now on all segments from and to this port are dropped.
    pub fn cut(&mut self, port: u16) {
        self.cut_ports.insert(port);
    }

    /// Returns whether the far side has ever sent a reset to the near TCP port `port`.
    pub fn saw_reset(&self, port: u16) -> bool {
        self.reset_ports.contains(&port)
    }

    /// Holds each frame with a SYN to the near TCP port `port`, until it is admitted.
    pub(crate) fn hold_calls(&mut self, port: u16) {
        self.held_ports.insert(port);
    }

    /// Takes the held frames for a port. A frame that is not admitted is lost.
    pub(crate) fn take_calls(&mut self, port: u16) -> Vec<Call> {
        self.calls.extract_if(.., |call| call.port == port).collect()
    }

    /// Passes a held frame to the stack.
    pub(crate) fn admit(&mut self, call: Call) {
        self.admitted.push_back(call.frame);
    }

    /// Takes the next frame that has arrived and is not for a port that was cut off.
    fn next_frame(&mut self) -> Option<Vec<u8>> {
        if let Some(admitted) = self.admitted.pop_front() {
            return Some(admitted);
        }
        loop {
            let frame = match self.cable.is_some() {
                true => self.pump()?,
                false => self.arrived()?,
            };
            match Segment::of(&frame) {
                Some(segment) if self.cut_ports.contains(&segment.target.1) => continue,
                Some(segment) if segment.syn && self.held_ports.contains(&segment.target.1) => {
                    self.calls.push(Call { source: segment.source, port: segment.target.1, frame });
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
        self.meanwhile.pop_front().or_else(|| self.read())
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

    /// Sends a frame to the far side. If no program has bound the far side's socket, or its queue has no room within
    /// [`LIMIT`], the frame is lost.
    ///
    /// While it waits for room, it reads the frames that the far side sends. The far side may have to send before it
    /// can read, like a controller that has no free buffer.
    fn put(&mut self, frame: &[u8]) {
        let begin = Moment::now();
        let is_full = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
        while self.try_to_put(frame).is_err_and(is_full) && begin.elapsed() < LIMIT {
            if self.is_readable(TRY_EVERY) {
                self.meanwhile.extend(self.read());
            }
        }
    }

    fn try_to_put(&self, frame: &[u8]) -> io::Result<usize> {
        match &self.far_end {
            Some(path) => self.socket.send_to(frame, path),
            None => self.socket.send(frame),
        }
    }
}

/// Returns the microseconds since a time.
fn micros(since: Moment) -> u64 {
    since.elapsed().as_micros() as u64
}

impl support::Cable for Wire {
    /// The device is a separate program, so its address is not used.
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
    fn the_far_end_may_come_late_and_go_early() {
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
        near.lay(Cable::new(&scenario.parse().unwrap(), 0));
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
        let sent = std::iter::from_fn(|| near.try_to_put(&[1; 60]).ok()).count();
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
        // The kernel counts the limit of the queue differently, so try a few more.
        for _ in 0..room + 4 {
            near.send(&[0; 60]);
        }
        let arrived = std::iter::from_fn(|| far.next_frame()).count();
        assert!((1..room + 4).contains(&arrived), "{arrived} frames arrived");
    }
}
