//! curl: methods, a large upload in three ways, and a thousand requests on one connection.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};

use super::{
    Program,
    environment::{Environment, run_program},
};

pub(super) const CURL: Program =
    Program { name: "curl", needs: &[("curl", "curl"), ("sha256sum", "coreutils")], run };

const LIMIT: Duration = Duration::from_secs(120);
/// The size of the upload in bytes.
const LENGTH: usize = 16 << 20;
/// The number of requests on one connection.
const MANY: usize = 1_000;

fn curl(words: &[&str]) -> Result<String> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--max-time", "60"]).args(words);
    run_program(&mut curl, LIMIT)
}

fn run(environment: &Environment) -> Result<String> {
    let folder = environment.folder("curl")?;
    let device = environment.device()?;
    let page = curl(&["--compressed", &device.url("/")])?;
    ensure!(page.starts_with("<!doctype html>") && page.contains("</table>"), "a page: {page}");
    let head = curl(&["--head", &device.url("/settings")])?;
    ensure!(head.contains("Content-Length: 30\r\n"), "a head: {head}");
    let set = curl(&["--data", "name=curl&threshold=7", &device.url("/settings")])?;
    ensure!(set == "{\"name\":\"curl\",\"threshold\":7}\n", "settings: {set}");
    let part = curl(&["--range", "0-1", "--output", "-", &device.url("/style.css")])?;
    ensure!(part.len() >= 2, "a part of {} bytes", part.len());

    let file = folder.join("upload");
    let content: Vec<u8> = (0..LENGTH as u32).map(|at| (at.wrapping_mul(at) >> 7) as u8).collect();
    fs::write(&file, content)?;
    let sum = run_program(Command::new("sha256sum").arg(&file), LIMIT)?;
    let sum = sum.split(' ').next().context("sha256sum printed nothing")?;
    let expected = format!("{{\"length\":{LENGTH},\"sha256\":\"{sum}\"}}\n");
    let path = file.to_string_lossy();
    for fields in [
        &["--header", "Expect:"][..],
        &["--header", "Expect: 100-continue", "--expect100-timeout", "30"],
        &["--header", "Transfer-Encoding: chunked"],
    ] {
        let url = device.url("/upload");
        let answer = curl(&[fields, &["--upload-file", &path, &url]].concat())?;
        ensure!(answer == expected, "the answer to the upload with {fields:?} was {answer}");
    }

    let down = folder.join("download");
    curl(&["--output", &down.to_string_lossy(), &device.url(&format!("/download/{LENGTH}"))])?;
    let down = fs::read(&down)?;
    let is_right = down.iter().enumerate().all(|(at, byte)| *byte == (at % 251) as u8);
    ensure!(down.len() == LENGTH && is_right, "a download of {} bytes is wrong", down.len());

    let urls = device.url(&format!("/settings?[1-{MANY}]"));
    let connects = curl(&["--output", "/dev/null", "--write-out", "%{num_connects}\\n", &urls])?;
    let count = |word: &str| connects.lines().filter(|line| *line == word).count();
    ensure!(count("1") == 1 && count("0") == MANY - 1, "the connects were {connects}");
    let most = device.end()?;
    Ok(format!(
        "GET, HEAD, POST, a range; 16 MB up by length, with `Expect` and in chunks, and down; {MANY} \
         requests on one connection; {most} connections at most"
    ))
}
