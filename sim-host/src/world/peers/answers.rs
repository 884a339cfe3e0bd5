//! UDP answers: which datagrams the device must answer, and which datagrams it has answered.

use std::net::SocketAddr;

use crate::world::network::ether::Datagram;
use crate::world::observe::observer::Direction;
use crate::world::peers::pattern::{Comparison, Pattern, Position};
use crate::world::peers::script::Choices;

type Requests = dyn Fn(&mut Choices<'_>) -> Vec<Vec<u8>> + Send + Sync;
type Answer = dyn Fn(&[u8]) -> Option<String> + Send + Sync;

/// A UDP service of the device: the requests of the clients, and the answers that the device must send.
pub(crate) struct UdpService {
    /// The device's port.
    pub(crate) port: u16,
    requests: Box<Requests>,
    answer: Box<Answer>,
}

impl UdpService {
    pub(crate) fn new(port: u16, requests: Box<Requests>, answer: Box<Answer>) -> Self {
        Self { port, requests, answer }
    }

    /// Returns the requests of a client.
    pub(crate) fn requests(&self, choices: &mut Choices<'_>) -> Vec<Vec<u8>> {
        (self.requests)(choices)
    }

    /// Returns the pattern of the answer to a datagram, or `None` if there must be no answer.
    ///
    /// # Panics
    /// If the pattern that the test case returns is malformed.
    fn answer(&self, request: &[u8]) -> Option<Pattern> {
        // A pattern must not end with a placeholder. So a newline is added to the pattern here, and to the datagram in
        // `is_whole`.
        let text = (self.answer)(request)? + "\n";
        Some(text.parse().unwrap_or_else(|error| panic!("{error}")))
    }

    /// Returns whether a datagram must be answered.
    pub(crate) fn is_answered(&self, request: &[u8]) -> bool {
        (self.answer)(request).is_some()
    }

    /// Returns whether a datagram is an answer to `request`.
    pub(crate) fn is_answer(&self, request: &[u8], answer: &[u8]) -> bool {
        self.answer(request).is_some_and(|pattern| is_whole(&pattern, answer))
    }
}

/// Returns whether a pattern matches a whole datagram.
fn is_whole(pattern: &Pattern, datagram: &[u8]) -> bool {
    let text = [datagram, b"\n"].concat();
    pattern.compare(&mut Position::default(), &text) == Comparison::Complete(text.len())
}

/// The requests that have reached the device and are not yet answered.
#[derive(Default)]
pub(crate) struct Unanswered(Vec<Request>);

struct Request {
    from: SocketAddr,
    port: u16,
    data: Vec<u8>,
    answer: Pattern,
}

/// The maximum number of requests kept. A device does not have room for this number of requests.
const MOST: usize = 4_096;

impl Unanswered {
    /// Records a datagram that has reached the device and must be answered, or checks a datagram that the device has
    /// sent.
    ///
    /// # Errors
    /// A text that describes what the device did wrong.
    pub(crate) fn process(
        &mut self,
        datagram: Datagram,
        services: &[UdpService],
    ) -> Result<(), String> {
        let Datagram { direction, peer, port, data } = datagram;
        let Some(service) = services.iter().find(|service| service.port == port) else {
            return Ok(());
        };
        if direction == Direction::ToDevice {
            if let Some(answer) = service.answer(&data) {
                if self.0.len() == MOST {
                    self.0.remove(0);
                }
                self.0.push(Request { from: peer, port, data, answer });
            }
            return Ok(());
        }
        let mut of_peer = self.0.iter().enumerate();
        let mut of_peer =
            of_peer.by_ref().filter(|(_, request)| (request.from, request.port) == (peer, port));
        let Some((first, request)) = of_peer.next() else {
            let text = String::from_utf8_lossy(&data);
            return Err(format!("{text:?} was sent to {peer}, which has no request open"));
        };
        let fits = |request: &Request| is_whole(&request.answer, &data);
        let found = if fits(request) { Some(first) } else { None };
        let found = found.or_else(|| of_peer.find(|(_, request)| fits(request)).map(|(at, _)| at));
        match found {
            Some(index) => {
                self.0.remove(index);
                Ok(())
            }
            None => {
                let [request_text, answer_text] =
                    [&request.data, &data].map(|bytes| String::from_utf8_lossy(bytes));
                Err(format!("{request_text:?} was answered with {answer_text:?}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time() -> [UdpService; 1] {
        let answer = |request: &[u8]| (request != b"quiet").then(|| "<digits>".to_owned());
        [UdpService::new(7, Box::new(|_| Vec::new()), Box::new(answer))]
    }

    fn processed(datagrams: &[(Direction, u16, &str)]) -> Result<(), String> {
        let mut unanswered = Unanswered::default();
        datagrams.iter().try_for_each(|(direction, peer, text)| {
            let peer = SocketAddr::from(([10, 0, 0, 1], *peer));
            let data = text.as_bytes().to_vec();
            unanswered.process(Datagram { direction: *direction, peer, port: 7, data }, &time())
        })
    }

    #[test]
    fn each_request_has_at_most_one_answer_and_its_sender_gets_it() {
        use Direction::{ToDevice, ToPeer};
        let [request, answer] = [(ToDevice, 1, "?"), (ToPeer, 1, "12")];
        assert_eq!(processed(&[request, request, answer, answer]), Ok(()));
        let none =
            |peer| Err(format!("\"12\" was sent to 10.0.0.1:{peer}, which has no request open"));
        assert_eq!(processed(&[request, answer, answer]), none(1));
        assert_eq!(processed(&[request, (ToPeer, 2, "12")]), none(2));
        assert_eq!(processed(&[answer]), none(1));
        assert_eq!(processed(&[(ToDevice, 1, "quiet"), answer]), none(1));
    }

    #[test]
    fn a_pattern_must_match_the_whole_answer() {
        use Direction::{ToDevice, ToPeer};
        for wrong in ["", "12 ", "x12", "1\n2"] {
            let wrong_answer = Err(format!("\"?\" was answered with {wrong:?}"));
            assert_eq!(processed(&[(ToDevice, 1, "?"), (ToPeer, 1, wrong)]), wrong_answer);
        }
    }
}
