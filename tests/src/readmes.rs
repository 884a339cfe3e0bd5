//! Runs the examples in the READMEs of the repository and of its packages as documentation tests.
//!
//! These tests are in this package because most of the examples use several packages. In addition, a published package
//! contains only its own folder, so its sources cannot include files of other folders.

#[doc = include_str!("../../README.md")]
struct Repository;

#[doc = include_str!("../../core/README.md")]
struct Core;

#[doc = include_str!("../../core/protocols/dns/README.md")]
struct Dns;

#[doc = include_str!("../../core/protocols/http/files/README.md")]
struct HttpFiles;

#[doc = include_str!("../../core/protocols/mqtt/README.md")]
struct Mqtt;

#[doc = include_str!("../../core/protocols/sntp/README.md")]
struct Sntp;

#[doc = include_str!("../../hal-embassy/README.md")]
struct Embassy;

#[doc = include_str!("../../sim-host/README.md")]
struct Simulator;

#[doc = include_str!("../../sim-host/live/README.md")]
struct Mio;

#[doc = include_str!("../../sim-host/recording/README.md")]
struct Recording;
