#![doc = include_str!("../README.md")]
#![no_std]
#![doc(test(attr(deny(warnings))))]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "tests may panic"))]

#[cfg(test)]
extern crate std;

mod base64;
mod buffer;
mod chunk;
mod client;
mod date;
mod encoded;
mod engine;
mod exchange;
mod file;
mod head;
mod http;
mod limits;
mod login;
mod method;
mod multipart;
mod number;
mod path;
mod reply;
mod request;
mod route;
mod server;
mod status;
mod text;
mod websocket;

#[cfg(feature = "names")]
pub use client::by_name;
pub use client::{ByName, CallError, Caller, Calls, Client, ClientRequest, Response};
pub use encoded::{Encoded, fields};
pub use file::File;
pub use http::Http;
pub use limits::Limits;
pub use login::SetCookie;
pub use method::Method;
pub use multipart::{Multipart, MultipartError, Piece};
pub use reply::{Length, Reply, ReplyError};
pub use request::Request;
pub use route::{Clock, OnPart, OnRequest, Part, Route, Site};
pub use server::Server;
pub use status::Status;
pub use websocket::{Message, OnMessage, Socket, SocketCaller, SocketCalls};
