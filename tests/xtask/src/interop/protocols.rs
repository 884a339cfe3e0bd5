//! What the tests of names, time and MQTT need: programs of Debian, which have to be there, and others, which are
//! installed into a folder below `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::{command, workspace};

/// Where the tests find what is installed.
pub const FOLDER: &str = "PICOEVENT_INTEROP";

/// A package of ours, and what its tests need.
pub struct Needs {
    /// The package.
    pub package: &'static str,
    /// Programs, and the package of Debian that has each.
    programs: &'static [(&'static str, &'static str)],
    /// What is installed.
    installed: &'static [Install],
}

/// What is installed: the file that is there then, from where, and with which commands, in the folder.
struct Install {
    file: &'static str,
    from: &'static str,
    commands: &'static [&'static str],
}

/// The packages whose tests need programs of others.
pub const PACKAGES: [Needs; 3] = [
    Needs {
        package: "picoevent-dns",
        programs: &[
            ("dnsmasq", "dnsmasq-base"),
            ("unbound", "unbound"),
            ("avahi-daemon", "avahi-daemon"),
            ("avahi-browse", "avahi-utils"),
            ("dbus-daemon", "dbus-daemon"),
            ("ip", "iproute2"),
            ("python3", "python3-venv"),
        ],
        installed: &[Install {
            file: "venv/lib",
            from: "zeroconf (PyPI)",
            commands: &["python3 -m venv venv", "venv/bin/pip install --quiet zeroconf"],
        }],
    },
    Needs {
        package: "picoevent-sntp",
        programs: &[("chronyd", "chrony"), ("ip", "iproute2")],
        installed: &[Install {
            // The packages of chrony and of ntpsec exclude each other.
            file: "ntpsec/usr/sbin/ntpd",
            from: "ntpsec (Debian, unpacked only)",
            commands: &["apt-get download ntpsec", "find -name ntpsec_*.deb -exec dpkg-deb -x {} ntpsec ;"],
        }],
    },
    Needs {
        package: "picoevent-mqtt",
        programs: &[
            ("mosquitto", "mosquitto"),
            ("mosquitto_passwd", "mosquitto"),
            ("node", "nodejs"),
            ("npm", "npm"),
        ],
        installed: &[
            Install {
                file: "npm/node_modules/aedes",
                from: "aedes 1.2.0 (npm)",
                commands: &["mkdir -p npm", "npm install --silent --prefix npm aedes@1.2.0"],
            },
            Install {
                file: "rumqttd/bin/rumqttd",
                from: "rumqttd 0.20.0 (crates.io)",
                commands: &[
                    "cargo install rumqttd@0.20.0 --locked --no-default-features --root rumqttd",
                ],
            },
        ],
    },
];

impl Needs {
    /// Says what is needed, and installs what can be.
    ///
    /// # Errors
    /// If a program of Debian is missing, or something cannot be installed.
    pub fn prepare(&self) -> Result<PathBuf> {
        let folder = workspace::root().join("target/interop");
        fs::create_dir_all(&folder)?;
        for (program, debian) in self.programs {
            println!("{} needs {program} (Debian: {debian})", self.package);
            let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output()?;
            let is_there = found.status.success() || Path::new("/usr/sbin").join(program).exists();
            ensure!(is_there, "there is no {program}: apt-get install {debian}");
        }
        for Install { file, from, commands } in self.installed {
            println!("{} needs {from}, in {}", self.package, folder.display());
            if folder.join(file).exists() {
                continue;
            }
            for line in *commands {
                let mut words = line.split(' ');
                let program = words.next().unwrap_or_default();
                // Programs that were installed before are in the folder.
                let own = folder.join(program);
                let mut install = match program.contains('/') {
                    true => Command::new(own),
                    false => Command::new(program),
                };
                command::run(install.args(words).current_dir(&folder))?;
            }
        }
        Ok(folder)
    }
}
