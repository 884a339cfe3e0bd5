//! siege: several addresses, with one connection per request and with keep-alive.

use std::{fs, process::Command, time::Duration};

use anyhow::{Result, ensure};

use super::{
    Program,
    environment::{Environment, figure, run_program},
};

pub(super) const SIEGE: Program = Program { name: "siege", needs: &[("siege", "siege")], run };

fn run(environment: &Environment) -> Result<String> {
    let folder = environment.folder("siege")?;
    let mut done = 0.0;
    for connection in ["close", "keep-alive"] {
        let device = environment.device()?;
        let paths = ["/", "/device.js", "/settings", "/settings POST name=s&threshold=1"];
        // With keep-alive, siege 4.0.7 hangs after a chunked answer, even if the server is nginx. So `/metrics`, whose
        // answer is chunked, is requested only without keep-alive.
        let chunked = if connection == "close" { &["/metrics"][..] } else { &[] };
        let urls = paths.iter().chain(chunked).map(|path| device.url(path) + "\n");
        let urls: String = urls.collect();
        let (list, settings) = (folder.join("urls"), folder.join("settings"));
        fs::write(&list, urls)?;
        let text = "protocol = HTTP/1.1\nparser = false\nlogging = false\njson_output = true\n";
        fs::write(&settings, format!("{text}connection = {connection}\nverbose = false\n"))?;
        let mut siege = Command::new("siege");
        siege.env("HOME", &folder).arg("-R").arg(&settings).arg("-f").arg(&list);
        let output =
            run_program(siege.args(["-c", "6", "-r", "200", "-b"]), Duration::from_secs(120))?;
        let count = |label: &str| figure(&output, label);
        let failed = count("\"failed_transactions\":")?;
        ensure!(failed == 0.0 && count("\"transactions\":")? > 0.0, "the output is:\n{output}");
        done += count("\"transactions\":")?;
        device.end()?;
    }
    Ok(format!("{done} transactions with six clients, with and without keep-alive, none failed"))
}
