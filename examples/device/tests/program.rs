//! Tests the program as a process on a host, over real sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;

use desk::program::Program;
use sha2::{Digest, Sha256};

const DEVICE: &str = env!("CARGO_BIN_EXE_device");

struct Client {
    stream: TcpStream,
    input: BufReader<TcpStream>,
}

/// The head of an answer, and its content.
struct Answer {
    head: String,
    content: Vec<u8>,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.content).unwrap()
    }

    fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(field, _)| *field == name).map(|(_, value)| value)
    }
}

impl Client {
    fn connect(device: &Program) -> Self {
        let stream = device.connect();
        Self { input: BufReader::new(stream.try_clone().unwrap()), stream }
    }

    fn send(&mut self, head: &str, content: &[u8]) {
        let mut request = format!("{head}\r\nHost: device\r\n").into_bytes();
        if !content.is_empty() {
            request.extend(format!("Content-Length: {}\r\n", content.len()).bytes());
        }
        request.extend(b"\r\n");
        request.extend(content);
        // Write the whole request at once, so that the system sends the request at once.
        self.stream.write_all(&request).unwrap();
    }

    fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.input.read_line(&mut head).unwrap(), 0, "it ends after {head:?}");
        }
        head
    }

    fn answer(&mut self) -> Answer {
        let mut answer = Answer { head: self.head(), content: Vec::new() };
        if let Some(length) = answer.field("Content-Length") {
            answer.content.resize(length.parse().unwrap(), 0);
            self.input.read_exact(&mut answer.content).unwrap();
            return answer;
        }
        loop {
            let mut size = String::new();
            self.input.read_line(&mut size).unwrap();
            let mut chunk = vec![0; usize::from_str_radix(size.trim_end(), 16).unwrap() + 2];
            self.input.read_exact(&mut chunk).unwrap();
            if chunk.len() == 2 {
                return answer;
            }
            answer.content.extend(&chunk[..chunk.len() - 2]);
        }
    }

    fn get(&mut self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1"), b"");
        self.answer()
    }

    /// Opens a WebSocket.
    fn upgrade(device: &Program, path: &str) -> Self {
        let mut client = Self::connect(device);
        let head = format!(
            "GET {path} HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        );
        client.send(&head, b"");
        assert!(client.head().starts_with("HTTP/1.1 101 "));
        client
    }

    /// Reads a WebSocket message. Returns the opcode and the data.
    fn message(&mut self) -> (u8, Vec<u8>) {
        let (mut opcode, mut data) = (0, Vec::new());
        loop {
            let mut head = [0; 2];
            self.input.read_exact(&mut head).unwrap();
            opcode |= head[0] & 15;
            let mut length = usize::from(head[1]);
            if length == 126 {
                let mut long = [0; 2];
                self.input.read_exact(&mut long).unwrap();
                length = u16::from_be_bytes(long).into();
            }
            let begin = data.len();
            data.resize(begin + length, 0);
            self.input.read_exact(&mut data[begin..]).unwrap();
            if head[0] & 0x80 != 0 {
                return (opcode, data);
            }
        }
    }

    /// Writes a WebSocket frame with a mask of zeros.
    fn write_frame(&mut self, first: u8, data: &[u8]) {
        let mut frame = vec![first];
        match u16::try_from(data.len()) {
            Ok(short @ 0..126) => frame.push(0x80 | short as u8),
            Ok(long) => {
                frame.push(0xfe);
                frame.extend(long.to_be_bytes());
            }
            Err(_) => {
                frame.push(0xff);
                frame.extend((data.len() as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(data);
        self.stream.write_all(&frame).unwrap();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn an_unchanged_page_is_not_sent_twice() {
    let device = Program::start(DEVICE);
    let mut client = Client::connect(&device);
    let mut fields = Vec::new();
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/device.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
    ] {
        let page = client.get(path);
        assert!(page.head.starts_with("HTTP/1.1 200 "), "{}", page.head);
        assert_eq!(page.field("Content-Type"), Some(kind));
        assert_eq!(page.field("Content-Encoding"), Some("gzip"));
        assert_eq!(page.content[..2], [0x1f, 0x8b]);
        fields.push((path, page.field("ETag").unwrap().to_owned()));
    }
    for (path, tag) in fields {
        client.send(&format!("GET {path} HTTP/1.1\r\nIf-None-Match: {tag}"), b"");
        assert!(client.head().starts_with("HTTP/1.1 304 "));
    }
    assert!(client.get("/nothing").head.starts_with("HTTP/1.1 404 "));
}

#[test]
fn a_form_changes_the_settings() {
    let device = Program::start(DEVICE);
    let mut client = Client::connect(&device);
    assert_eq!(client.get("/settings").text(), "{\"name\":\"\",\"threshold\":24000}\n");
    client.send("POST /settings HTTP/1.1", b"name=Boiler+house&threshold=25000");
    let set = "{\"name\":\"Boiler house\",\"threshold\":25000}\n";
    assert_eq!(client.answer().text(), set);
    for bad in ["threshold=1", "name=a", "name=%22&threshold=1", "name=%ff&threshold=1"] {
        client.send("POST /settings HTTP/1.1", bad.as_bytes());
        assert!(client.answer().head.starts_with("HTTP/1.1 400 "), "{bad}");
    }
    assert_eq!(client.get("/settings").text(), set);
}

#[test]
fn uploads_are_streamed_and_hashed() {
    let device = Program::start(DEVICE);
    let mut client = Client::connect(&device);
    let content: Vec<u8> = (0..1_000_000_u32).map(|at| (at / 3) as u8).collect();
    let expected =
        format!("{{\"length\":1000000,\"sha256\":\"{}\"}}\n", hex(&Sha256::digest(&content)));
    client.send("PUT /upload HTTP/1.1", &content);
    assert_eq!(client.answer().text(), expected);
    assert_eq!(client.get("/upload").text(), expected);
    // Request a second upload while the first upload is in progress, then drop the first client.
    let mut first = Client::connect(&device);
    first.send("PUT /upload HTTP/1.1\r\nContent-Length: 9\r\nExpect: 100-continue", b"");
    assert_eq!(first.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("PUT /upload HTTP/1.1", b"second");
    let conflict = client.answer();
    assert!(conflict.head.starts_with("HTTP/1.1 409 ") && conflict.field("Connection").is_some());
    drop(first);
    // Upload in chunks. Until the device has noticed the end of the first upload, the device answers 409.
    let mut chunks = Vec::new();
    for chunk in content.chunks(10_000) {
        chunks.extend(format!("{:x}\r\n", chunk.len()).bytes());
        chunks.extend(chunk);
        chunks.extend(b"\r\n");
    }
    chunks.extend(b"0\r\n\r\n");
    loop {
        let mut client = Client::connect(&device);
        client.send(
            "PUT /upload HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue",
            b"",
        );
        if client.head().starts_with("HTTP/1.1 409 ") {
            continue;
        }
        client.stream.write_all(&chunks).unwrap();
        assert_eq!(client.answer().text(), expected);
        break;
    }
}

#[test]
fn values_are_sent_over_a_websocket_and_as_events() {
    let device = Program::start(DEVICE);
    let mut live = Client::upgrade(&device, "/live");
    for _ in 0..2 {
        let (opcode, value) = live.message();
        let value = String::from_utf8(value).unwrap();
        assert!(opcode == 1 && value.starts_with("{\"value\":2"), "{value}");
    }
    let mut events = Client::connect(&device);
    events.send("GET /events HTTP/1.1", b"");
    assert!(events.head().contains("Content-Type: text/event-stream\r\n"));
    let mut lines = String::new();
    for _ in 0..3 {
        events.input.read_line(&mut lines).unwrap();
    }
    assert!(lines.contains("\r\nevent: value\ndata: {\"value\":2"), "{lines}");
    let metrics = Client::connect(&device).get("/metrics");
    assert!(
        metrics.text().contains("# TYPE picoevent_connections gauge\npicoevent_connections 3\n")
    );
}

#[test]
fn messages_of_64_kilobytes_are_echoed() {
    let device = Program::start(DEVICE);
    let mut client = Client::upgrade(&device, "/echo");
    client.write_frame(0x89, b"ping");
    assert_eq!(client.message(), (10, b"ping".to_vec()));
    for length in [0, 1, 500, 65_536] {
        let text = "\u{e4}".repeat(length / 2);
        let data: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let mut writer = Client {
            stream: client.stream.try_clone().unwrap(),
            input: BufReader::new(client.stream.try_clone().unwrap()),
        };
        let sent = (text.clone(), data.clone());
        // The device applies back-pressure, so this client must write and read at the same time.
        let writer = thread::spawn(move || {
            writer.write_frame(0x81, sent.0.as_bytes());
            writer.write_frame(0x82, &sent.1);
        });
        assert_eq!(client.message(), (1, text.into_bytes()));
        assert_eq!(client.message(), (2, data));
        writer.join().unwrap();
    }
    client.write_frame(0x82, &vec![0; 65_537]);
    assert_eq!(client.message(), (8, 1009_u16.to_be_bytes().to_vec()));
}

#[test]
fn a_connection_serves_many_requests_and_an_interrupt_ends_the_device() {
    let device = Program::start(DEVICE);
    let mut client = Client::connect(&device);
    for number in 1..=1_000 {
        let answer = client.get("/settings");
        assert_eq!(answer.field("Connection").is_some(), number == 1_000, "{number}");
    }
    assert_eq!(client.input.read(&mut [0]).unwrap(), 0);
    let mut live = Client::upgrade(&device, "/live");
    device.interrupt();
    while live.message().0 != 8 {}
    let (status, lines) = device.wait();
    assert!(status.success() && lines.last().is_some_and(|line| line == "done"), "{lines:?}");
}

#[test]
fn eight_clients_keep_their_connections_and_a_ninth_replaces_one() {
    let device = Program::start(DEVICE);
    let mut clients: Vec<_> = (0..8).map(|_| Client::connect(&device)).collect();
    for _ in 0..2 {
        for client in &mut clients {
            assert!(client.get("/settings").head.starts_with("HTTP/1.1 200 "));
        }
    }
    let mut ninth = Client::connect(&device);
    assert!(ninth.get("/settings").head.starts_with("HTTP/1.1 200 "));
    let is_served = |client: &mut Client| {
        let sent = client.stream.write_all(b"GET /settings HTTP/1.1\r\nHost: device\r\n\r\n");
        sent.is_ok() && client.input.read_line(&mut String::new()).is_ok_and(|bytes| bytes > 0)
    };
    let served = clients.iter_mut().map(is_served).filter(|served| *served).count();
    assert_eq!(served, 7);
}
