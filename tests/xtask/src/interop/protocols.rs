//! DNS, SNTP and MQTT: runs those tests of the protocols' packages that `cargo test` ignores.
//!
//! Some third-party programs are not in Debian, or their packages conflict. These programs are installed into a
//! separate folder. An environment variable contains the path of this folder.

use anyhow::{Context, Result};

use super::{Program, environment::Environment};
use crate::{command, workspace};

/// The environment variable with the path of the folder of installed programs.
const FOLDER: &str = "PICOEVENT_INTEROP";

pub(super) const NAMES: Program = Program {
    name: "names",
    needs: &[
        ("dnsmasq", "dnsmasq-base"),
        ("unbound", "unbound"),
        ("avahi-daemon", "avahi-daemon"),
        ("avahi-browse", "avahi-utils"),
        ("dbus-daemon", "dbus-daemon"),
        ("ip", "iproute2"),
        ("python3", "python3-venv"),
    ],
    run: |environment| {
        let zeroconf = Install {
            file: "venv/lib",
            from: "zeroconf (PyPI)",
            commands: &["python3 -m venv venv", "venv/bin/pip install --quiet zeroconf"],
        };
        test(environment, "picoevent-dns", &[zeroconf])
    },
};

pub(super) const TIME: Program = Program {
    name: "time",
    needs: &[("chronyd", "chrony"), ("ip", "iproute2")],
    run: |environment| {
        let ntpsec = Install {
            // The packages chrony and ntpsec conflict, so ntpsec is only unpacked.
            file: "ntpsec/usr/sbin/ntpd",
            from: "ntpsec (Debian, unpacked only)",
            commands: &[
                "apt-get download ntpsec",
                "find -name ntpsec_*.deb -exec dpkg-deb -x {} ntpsec ;",
            ],
        };
        test(environment, "picoevent-sntp", &[ntpsec])
    },
};

pub(super) const MQTT: Program = Program {
    name: "mqtt",
    needs: &[
        ("mosquitto", "mosquitto"),
        ("mosquitto_passwd", "mosquitto"),
        ("node", "nodejs"),
        ("npm", "npm"),
    ],
    run: |environment| {
        let aedes = Install {
            file: "npm/node_modules/aedes",
            from: "aedes 1.2.0 (npm)",
            commands: &["mkdir -p npm", "npm install --silent --prefix npm aedes@1.2.0"],
        };
        let rumqttd = Install {
            file: "rumqttd/bin/rumqttd",
            from: "rumqttd 0.20.0 (crates.io)",
            // The Cargo.lock of rumqttd has a version of `metrics` that Rust 1.95 does not compile. So `--locked` is
            // not used.
            commands: &["cargo install rumqttd@0.20.0 --no-default-features --root rumqttd"],
        };
        test(environment, "picoevent-mqtt", &[aedes, rumqttd])
    },
};

/// A program to install: the file that exists afterwards, its origin, and the commands to run in the folder.
struct Install {
    file: &'static str,
    from: &'static str,
    commands: &'static [&'static str],
}

/// Installs missing programs, and runs the ignored tests of a package.
fn test(environment: &Environment, package: &str, installed: &[Install]) -> Result<String> {
    let folder = environment.folder("protocols")?;
    for Install { file, from, commands } in installed {
        if folder.join(file).exists() {
            continue;
        }
        println!("installs {from} in {}", folder.display());
        for line in *commands {
            let mut words = line.split(' ');
            let program = words.next().unwrap_or_default();
            // A program name with a `/` is a path in the folder. An earlier command has installed this program.
            let program = match program.contains('/') {
                true => folder.join(program),
                false => program.into(),
            };
            let mut install = std::process::Command::new(program);
            command::run(install.args(words).current_dir(&folder))?;
        }
    }
    let mut cargo = command::cargo(&workspace::root());
    cargo.args(["test", "--release", "--package", package, "--", "--ignored"]);
    command::run(cargo.env(FOLDER, folder))
        .with_context(|| format!("the tests of {package} have failed"))?;
    Ok(format!("the ignored tests of `{package}`"))
}
