//! Installs Debian packages.

use std::process::Command;

use anyhow::{Result, bail};

use crate::command;

/// Whether Debian packages can be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Apt {
    /// There is no `apt-get`.
    Absent,
    /// There is `apt-get`, but neither root privileges nor `sudo`.
    NoRights,
    Root,
    Sudo,
}

/// Updates the list of packages, then installs `packages` with `apt-get`. The output of `apt-get` is shown.
///
/// # Errors
/// If there is no `apt-get`, if there are no rights to install, or if `apt-get` fails. Each error text contains the
/// names of the packages.
pub fn install(packages: &[&str]) -> Result<()> {
    install_by(Apt::find(), packages)
}

fn install_by(apt: Apt, packages: &[&str]) -> Result<()> {
    let wanted = packages.join(" ");
    match apt {
        Apt::Absent => bail!("please install {wanted} by hand: there is no apt-get here"),
        Apt::NoRights => bail!("as root, type\n  apt-get update && apt-get install {wanted}"),
        Apt::Root | Apt::Sudo => {}
    }
    // The old list may still be sufficient, so an error of the update is only printed.
    if let Err(error) = command::run(apt_get(apt).arg("update")) {
        println!("{error}");
    }
    let mut install = apt_get(apt);
    install.args(["install", "--yes", "--no-install-recommends"]).args(packages);
    command::run(&mut install)?;
    println!("apt-get install {wanted} ... done");
    Ok(())
}

impl Apt {
    fn find() -> Self {
        if command::find_program("apt-get").is_none() {
            Apt::Absent
        } else if command::first_line(Command::new("id").arg("-u")).is_ok_and(|id| id == "0") {
            Apt::Root
        } else if command::find_program("sudo").is_some() {
            Apt::Sudo
        } else {
            Apt::NoRights
        }
    }
}

/// Returns an `apt-get` command that never waits for an answer of the user. If another process installs packages,
/// `apt-get` waits for that process, for at most five minutes.
fn apt_get(apt: Apt) -> Command {
    let mut words = vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"];
    words.extend(["-o", "DPkg::Lock::Timeout=300"]);
    if apt == Apt::Sudo {
        words.insert(0, "sudo");
    }
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_rights_nothing_is_run_and_the_packages_are_named() {
        for apt in [Apt::Absent, Apt::NoRights] {
            let error = install_by(apt, &["qemu-system-arm", "lld"]).unwrap_err();
            assert!(error.to_string().contains("qemu-system-arm lld"), "{error}");
        }
    }

    #[test]
    fn sudo_is_used_where_it_is_needed() {
        let root = "env DEBIAN_FRONTEND=noninteractive apt-get --quiet -o DPkg::Lock::Timeout=300";
        assert_eq!(command::describe(&apt_get(Apt::Root)), root);
        assert_eq!(command::describe(&apt_get(Apt::Sudo)), format!("sudo {root}"));
    }
}
