//! What follows from what was found: a pure function, so that each machine is a test.
//!
//! [`crate::setup`] calls [`next`], does what it says, looks again, and so on. Each thing that
//! failed is remembered in [`Found`], so the same is never tried twice.

use super::Toolchain;

/// What a machine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The targets that the Rust which runs this program cannot compile for.
    pub missing_targets: Vec<&'static str>,
    /// Whether that Rust can be given more targets.
    pub rustup: Rustup,
    /// The Debian packages that the other way lacks.
    pub missing_packages: Vec<&'static str>,
    /// Whether Debian packages can be installed.
    pub apt: Apt,
}

/// Whether the Rust that runs this program can be given more targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rustup {
    /// There is no rustup.
    Absent,
    /// There is, and it has not been asked.
    Untried,
    /// It was asked, and could not.
    Failed,
}

/// Whether Debian packages can be installed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apt {
    /// This is no Debian: it has no `apt-get`.
    Absent,
    /// There is `apt-get`, but neither root's rights nor `sudo`.
    NoRights,
    /// As root.
    Root,
    /// Through `sudo`.
    Sudo,
    /// It was asked, and could not.
    Failed,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing: firmware can be compiled, by this.
    Use(Toolchain),
    /// `rustup target add` these.
    AddTargets(Vec<&'static str>),
    /// Install these Debian packages.
    InstallPackages(Vec<&'static str>),
    /// Say what a person has to do: this program cannot.
    GiveUp(String),
}

/// Decides the next step towards a toolchain, or towards the one that is `forced`.
///
/// What is ready is preferred to what has to be fetched, and rustup to Debian.
pub fn next(found: &Found, forced: Option<Toolchain>) -> Step {
    let may = |toolchain| forced.is_none() || forced == Some(toolchain);
    if may(Toolchain::Rustup) && found.missing_targets.is_empty() {
        Step::Use(Toolchain::Rustup)
    } else if may(Toolchain::Debian) && found.missing_packages.is_empty() {
        Step::Use(Toolchain::Debian)
    } else if may(Toolchain::Rustup) && found.rustup == Rustup::Untried {
        Step::AddTargets(found.missing_targets.clone())
    } else if may(Toolchain::Debian) && matches!(found.apt, Apt::Root | Apt::Sudo) {
        Step::InstallPackages(found.missing_packages.clone())
    } else {
        Step::GiveUp(advice(found, forced))
    }
}

/// What to type where this program cannot go on.
fn advice(found: &Found, forced: Option<Toolchain>) -> String {
    let mut ways = Vec::new();
    if forced != Some(Toolchain::Debian) {
        let targets = found.missing_targets.join(" ");
        ways.push(match found.rustup {
            Rustup::Absent => format!(
                "install rustup (https://rustup.rs), then type\n  rustup target add {targets}"
            ),
            _ => format!("where rustup can reach its server, type\n  rustup target add {targets}"),
        });
    }
    if forced != Some(Toolchain::Rustup) && found.apt != Apt::Absent {
        let packages = found.missing_packages.join(" ");
        ways.push(format!("as root, type\n  apt-get update && apt-get install {packages}"));
    }
    if ways.is_empty() {
        ways.push("Debian's packages were asked for, but there is no apt-get here".to_owned());
    }
    format!("no Rust here can compile firmware; {}", ways.join("\nor, "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with rustup's Rust and nothing else prepared, and Debian under it.
    fn fresh() -> Found {
        Found {
            missing_targets: vec!["thumbv6m-none-eabi", "thumbv7m-none-eabi"],
            rustup: Rustup::Untried,
            missing_packages: vec!["rustc-web", "lld"],
            apt: Apt::Root,
        }
    }

    #[test]
    fn a_fresh_machine_is_given_rustups_targets() {
        let found = fresh();
        assert_eq!(next(&found, None), Step::AddTargets(found.missing_targets.clone()));
    }

    #[test]
    fn targets_that_are_there_are_used_even_without_rustup() {
        let found = Found { missing_targets: vec![], rustup: Rustup::Absent, ..fresh() };
        assert_eq!(next(&found, None), Step::Use(Toolchain::Rustup));
    }

    #[test]
    fn debian_is_installed_when_rustup_failed_or_is_absent() {
        for rustup in [Rustup::Failed, Rustup::Absent] {
            let found = Found { rustup, ..fresh() };
            let packages = found.missing_packages.clone();
            assert_eq!(next(&found, None), Step::InstallPackages(packages));
        }
    }

    #[test]
    fn debian_that_is_there_saves_asking_rustups_server() {
        let found = Found { missing_packages: vec![], ..fresh() };
        assert_eq!(next(&found, None), Step::Use(Toolchain::Debian));
    }

    #[test]
    fn a_forced_way_is_the_only_one_tried() {
        let both = Found { missing_targets: vec![], missing_packages: vec![], ..fresh() };
        for toolchain in [Toolchain::Rustup, Toolchain::Debian] {
            assert_eq!(next(&both, Some(toolchain)), Step::Use(toolchain));
        }
        let found = fresh();
        let packages = found.missing_packages.clone();
        assert_eq!(next(&found, Some(Toolchain::Debian)), Step::InstallPackages(packages));
        let failed = Found { rustup: Rustup::Failed, ..fresh() };
        let Step::GiveUp(advice) = next(&failed, Some(Toolchain::Rustup)) else {
            panic!("Debian was tried though rustup was forced");
        };
        assert!(!advice.contains("apt-get"), "{advice}");
    }

    #[test]
    fn without_rights_the_commands_to_type_are_named() {
        for apt in [Apt::NoRights, Apt::Failed] {
            let found = Found { rustup: Rustup::Failed, apt, ..fresh() };
            let Step::GiveUp(advice) = next(&found, None) else { panic!("{apt:?} was tried") };
            assert!(advice.contains("rustup target add thumbv6m-none-eabi thumbv7m"), "{advice}");
            assert!(advice.contains("apt-get install rustc-web lld"), "{advice}");
        }
    }

    #[test]
    fn each_step_leads_to_an_end_when_it_fails() {
        for rustup in [Rustup::Absent, Rustup::Untried] {
            for apt in [Apt::Absent, Apt::NoRights, Apt::Root, Apt::Sudo] {
                for forced in [None, Some(Toolchain::Rustup), Some(Toolchain::Debian)] {
                    let mut found = Found { rustup, apt, ..fresh() };
                    for _ in 0..2 {
                        match next(&found, forced) {
                            Step::AddTargets(_) => found.rustup = Rustup::Failed,
                            Step::InstallPackages(_) => found.apt = Apt::Failed,
                            Step::Use(_) | Step::GiveUp(_) => {}
                        }
                    }
                    assert!(matches!(next(&found, forced), Step::GiveUp(_)), "{found:?}");
                }
            }
        }
    }
}
