//! Host ports that are forwarded to a guest: `2323`, `8080:80`, `udp:0:2324`.

use std::{
    fmt,
    net::{TcpListener, UdpSocket},
};

use anyhow::{Result, bail};

/// A port of the guest, or a host port that is forwarded to the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// A TCP port.
    Tcp(u16),
    /// A UDP port.
    Udp(u16),
}

/// A port of 127.0.0.1 that is forwarded to a port of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forward {
    /// The host port; 0 means any free port.
    pub host: u16,
    /// The guest's port.
    pub guest: Port,
}

impl Forward {
    /// Parses `[udp:][HOST:]GUEST`. Without HOST both ports have the same number.
    ///
    /// # Errors
    /// If the text has another form, or the guest's port is 0.
    pub fn parse(text: &str) -> Result<Self, String> {
        let error = || format!("{text:?} is not a port, such as 2323, 8080:80 or udp:2324");
        let (is_udp, numbers) = match text.strip_prefix("udp:") {
            Some(numbers) => (true, numbers),
            None => (false, text.strip_prefix("tcp:").unwrap_or(text)),
        };
        let (host, guest) = numbers.split_once(':').unwrap_or((numbers, numbers));
        let number = |text: &str| text.parse::<u16>().map_err(|_| error());
        let (host, guest) = (number(host)?, number(guest)?);
        match guest {
            0 => Err(error()),
            _ if is_udp => Ok(Self { host, guest: Port::Udp(guest) }),
            _ => Ok(Self { host, guest: Port::Tcp(guest) }),
        }
    }

    /// Checks that the host port is free, so that the error is one line instead of the three lines that QEMU prints.
    ///
    /// # Errors
    /// If another program uses the port, or the user of this program may not use the port.
    pub fn check_free(&self) -> Result<()> {
        let at = ("127.0.0.1", self.host);
        let taken = match self.guest {
            Port::Tcp(_) => TcpListener::bind(at).map(drop),
            Port::Udp(_) => UdpSocket::bind(at).map(drop),
        };
        match taken {
            Ok(()) => Ok(()),
            Err(error) => bail!(
                "port {} of 127.0.0.1 is not free ({error}): choose another one, or 0 for any",
                self.host
            ),
        }
    }
}

/// Returns QEMU's description of a user network, with the id `n0`, that forwards the host ports in `forwards` to the
/// guest.
pub fn user_network(forwards: &[Forward]) -> String {
    let mut network = "user,id=n0".to_owned();
    for Forward { host, guest } in forwards {
        let (protocol, guest) = match guest {
            Port::Tcp(guest) => ("tcp", guest),
            Port::Udp(guest) => ("udp", guest),
        };
        network.push_str(&format!(",hostfwd={protocol}:127.0.0.1:{host}-:{guest}"));
    }
    network
}

impl fmt::Display for Port {
    /// Writes the command that connects to this host port.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Port::Tcp(port) => write!(f, "nc 127.0.0.1 {port}"),
            Port::Udp(port) => write!(f, "nc -u 127.0.0.1 {port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsed_ports_become_a_network() {
        let forwards =
            ["2323", "8080:80", "udp:0:2324", "tcp:7"].map(|text| Forward::parse(text).unwrap());
        assert_eq!(forwards[0], Forward { host: 2323, guest: Port::Tcp(2323) });
        assert_eq!(forwards[2], Forward { host: 0, guest: Port::Udp(2324) });
        let network = "user,id=n0,hostfwd=tcp:127.0.0.1:2323-:2323,hostfwd=tcp:127.0.0.1:8080-:80,\
                       hostfwd=udp:127.0.0.1:0-:2324,hostfwd=tcp:127.0.0.1:7-:7";
        assert_eq!(user_network(&forwards), network);
        for text in ["", "0", "80:0", "65536", "udp:", "a:80", "1:2:3", "sctp:80", "-1"] {
            let error = Forward::parse(text).unwrap_err();
            assert!(error.starts_with(&format!("{text:?} is not a port")), "{error}");
        }
    }

    #[test]
    fn the_error_for_a_port_in_use_contains_the_port() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let forwards = [
            Forward { host: tcp.local_addr().unwrap().port(), guest: Port::Tcp(80) },
            Forward { host: udp.local_addr().unwrap().port(), guest: Port::Udp(80) },
        ];
        for forward in forwards {
            let error = forward.check_free().unwrap_err().to_string();
            let port = forward.host;
            assert!(error.starts_with(&format!("port {port} of 127.0.0.1 is not free")), "{error}");
        }
        drop((tcp, udp));
        assert!(forwards.iter().all(|forward| forward.check_free().is_ok()));
    }
}
