//! Tests of the command as a program: its output, its errors and its exit status.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// Runs the command with a PATH of one folder.
fn picoevent(programs: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-picoevent"));
    command.env("PATH", programs).args(words).output().expect("the command can be started")
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Checks that a command fails with one line that starts with `begin`. Returns the line.
fn refused(programs: &Path, words: &[&str], status: i32, begin: &str) -> String {
    let output = picoevent(programs, words);
    let text = text_of(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{text}");
    assert!(text.starts_with(&format!("error: {begin}")), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

/// Makes a folder that contains `program`, a shell script.
fn folder_with(program: &str, script: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(program);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// The numbers of processors in ELF files.
const ARM: u8 = 40;
const RISC_V: u8 = 243;

/// Makes an ELF file for a processor, with one section of code that is loaded at `address`. The first word of the
/// section is `stack`, the initial stack pointer of an Arm processor.
fn image_at(folder: &Path, processor: u8, address: u32, stack: u32) -> String {
    let mut bytes = Vec::new();
    // The file header: 32 bits, little-endian, executable. One program header and three section headers follow.
    bytes.extend(b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0");
    bytes.extend([processor, 0, 1, 0, 0, 0]);
    for word in [address, 52, 84, 0] {
        bytes.extend(word.to_le_bytes());
    }
    for half in [52_u16, 32, 1, 40, 3, 2] {
        bytes.extend(half.to_le_bytes());
    }
    // The program header: type, offset, two addresses, size in the file and in memory, flags, alignment.
    for word in [1, 204, address, address, 4, 4, 5, 4] {
        bytes.extend(word.to_le_bytes());
    }
    // The section headers: name, type, flags, address, offset, size, link, info, alignment, entry size.
    let sections =
        [[0; 10], [1, 1, 6, address, 204, 4, 0, 0, 4, 0], [7, 3, 0, 0, 208, 17, 0, 0, 1, 0]];
    for word in sections.into_iter().flatten() {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(stack.to_le_bytes());
    bytes.extend(b"\0.text\0.shstrtab\0");
    let path = folder.join(format!("image-{processor}-{address:x}-{stack:x}"));
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn every_qemu_error_is_one_line() {
    let nothing = tempfile::tempdir().unwrap();
    let nothing = nothing.path();
    let image = |processor, address, stack| image_at(nothing, processor, address, stack);
    let (good, other) = (image(ARM, 0, 0x2001_0000), image(ARM, 0x0800_0000, 0x2001_0000));
    let (secure, riscv) = (image(ARM, 0x1000_0000, 0x3820_0000), image(RISC_V, 0x8000_0000, 0));
    let large = image(ARM, 0, 0x2040_0000);
    let refused_on = |machine: &str, elf: &str, more: &[&str], begin: &str| {
        let words = [&["qemu", "--elf", elf, "--machine", machine], more].concat();
        refused(nothing, &words, 1, begin)
    };
    let refused =
        |elf: &str, more: &[&str], begin: &str| refused_on("lm3s6965evb", elf, more, begin);
    refused("nowhere", &[], "there is no file nowhere: build the image first");
    let text = refused(&good, &[], "qemu-system-arm is not installed: ");
    assert!(text.contains("apt install qemu-system-arm"), "{text}");
    let text = refused_on("riscv-virt", &riscv, &[], "qemu-system-riscv32 is not installed: ");
    assert!(text.contains("apt install qemu-system-misc"), "{text}");
    let text = refused(&other, &[], &format!("{other} is linked for another machine: "));
    assert!(text.contains("its .text is at 0x8000000..0x8000004"), "{text}");
    // An image that is linked for the same addresses, but for more memory.
    let begin = format!("{large} is linked for another machine: its stack begins at 0x20400000");
    refused(&large, &[], &begin);
    refused_on("mps2-an385", &large, &[], "qemu-system-arm is not installed: ");
    // The memory of the machine with a Cortex-M33 begins at another address than the memory of the other
    // Arm machines.
    let begin = format!("{good} is linked for another machine: its .text is at 0x0..0x4");
    refused_on("mps2-an505", &good, &[], &begin);
    refused_on("mps2-an505", &secure, &[], "qemu-system-arm is not installed: ");
    refused_on("mps2-an500", &secure, &[], &format!("{secure} is linked for another machine: "));
    let own = env::current_exe().unwrap().to_str().unwrap().to_owned();
    for (machine, image, processor, target) in [
        ("lm3s6965evb", &own, "an Arm processor", "thumbv7m-none-eabi"),
        ("mps2-an500", &riscv, "an Arm processor", "thumbv7em-none-eabihf"),
        ("riscv-virt", &good, "a RISC-V processor with 32 bits", "riscv32imac-unknown-none-elf"),
    ] {
        let text = refused_on(machine, image, &[], &format!("{image} is an image for "));
        let end = format!("and {machine} has {processor}: build it for {target}\n");
        assert!(text.ends_with(&end), "{text}");
    }
    refused(
        file!().rsplit_once("command/").unwrap().1,
        &[],
        "tests/command.rs is not an object file",
    );
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let begin = format!("port {port} of 127.0.0.1 is not free");
    refused(&good, &["--forward", &format!("{port}:80")], &begin);
}

#[test]
fn a_wrong_command_line_ends_with_status_2() {
    let nothing = tempfile::tempdir().unwrap();
    for (words, wanted) in [
        (&["qemu", "--elf", "x", "--machine", "pdp-11"][..], "known are lm3s6965evb, mps2-an385, "),
        (&["qemu", "--elf", "x", "--machine", "lm3s6965evb", "--forward", "x"], "is not a port"),
        (&["flash", "--elf", "x"], "--chip"),
        (&["picoevent", "sise"], "'sise'"),
    ] {
        let output = picoevent(nothing.path(), words);
        let text = text_of(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(wanted), "{text}");
    }
}

#[test]
fn flashing_needs_probe_rs_and_a_probe() {
    let nothing = tempfile::tempdir().unwrap();
    let image = image_at(nothing.path(), ARM, 0, 0x2000_1000);
    let flash = ["flash", "--elf", &image, "--chip", "RP2040"];
    refused(nothing.path(), &flash, 1, "probe-rs is not installed: cargo install probe-rs-tools");
    let none = folder_with("probe-rs", "echo 'No debug probes were found.'");
    refused(none.path(), &flash, 1, "probe-rs finds no debug probe: connect the board");
    let one = folder_with("probe-rs", "echo $*");
    let output = picoevent(one.path(), &flash);
    assert!(output.status.success(), "{}", text_of(&output.stderr));
    assert!(text_of(&output.stdout).ends_with(&format!("\nrun --chip RP2040 {image}\n")));
}

#[test]
fn a_board_that_appears_as_a_drive_needs_no_other_program() {
    let nothing = tempfile::tempdir().unwrap();
    let nothing = nothing.path();
    let (image, other) =
        (image_at(nothing, ARM, 0x1000_0100, 0), image_at(nothing, ARM, 0x0800_0000, 0));
    let board = tempfile::tempdir().unwrap();
    let shown = board.path().display().to_string();
    let drive = format!("--drive={shown}");
    let flash = |elf, chip, begin| {
        refused(nothing, &["flash", "--elf", elf, "--chip", chip, &drive], 1, begin)
    };
    let text = flash(&image, "RP2040", &shown);
    assert!(text.contains("is not the drive of a board: it has no INFO_UF2.TXT"), "{text}");
    fs::write(board.path().join("INFO_UF2.TXT"), "Model: x\r\nBoard-ID: RPI-RP2\r\n").unwrap();
    let text = flash(&image, "RP235x", &shown);
    assert!(
        text.contains(
            "is the drive of another board: its id is RPI-RP2, and the id of an RP235x is RP2350"
        ),
        "{text}"
    );
    flash(
        &image,
        "STM32H743ZITx",
        "STM32H743ZITx does not appear as a drive: only RP2040 and RP235x do",
    );
    let text = flash(&other, "RP2040", &other);
    assert!(text.contains("it has bytes at 0x8000000..0x8000004"), "{text}");
    let words = ["flash", "--elf", &image, "--chip", "RP2040", &drive];
    let output = picoevent(nothing, &words);
    assert!(output.status.success(), "{}", text_of(&output.stderr));
    assert!(
        text_of(&output.stdout).starts_with("16 blocks are on the board"),
        "{}",
        text_of(&output.stdout)
    );
    let blocks = fs::read(board.path().join("image.uf2")).unwrap();
    assert_eq!((blocks.len(), &blocks[512 + 12..512 + 16]), (16 * 512, &[0, 1, 0, 0x10][..]));
}

#[test]
fn a_log_without_defmt_is_text_and_a_missing_port_is_an_error() {
    let nothing = tempfile::tempdir().unwrap();
    let image = image_at(nothing.path(), ARM, 0, 0x2000_1000);
    let log = ["log", "--elf", &image, "--port", "/dev/no-such-port"];
    let text = refused(nothing.path(), &log, 1, "cannot open /dev/no-such-port: connect the board");
    assert!(text.contains("/dev/ttyACM*"), "{text}");
    let port = nothing.path().join("port");
    fs::write(&port, "listening\n").unwrap();
    let log = ["log", "--elf", &image, "--port", port.to_str().unwrap()];
    let output = picoevent(nothing.path(), &log);
    assert!(output.status.success(), "{}", text_of(&output.stderr));
    assert_eq!(text_of(&output.stdout), "listening\n");
}

#[test]
#[ignore = "needs firmware: cargo xtask test"]
fn the_command_size_lists_the_crates_of_an_image() {
    let nothing = tempfile::tempdir().unwrap();
    let elf = firmware("hello-world");
    let elf = elf.to_str().unwrap();
    let output = picoevent(nothing.path(), &["picoevent", "size", "--elf", elf]);
    let text = text_of(&output.stdout);
    assert!(output.status.success(), "{}", text_of(&output.stderr));
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("crate ") && lines[0].ends_with("  static RAM"), "{text}");
    assert!(lines.iter().any(|line| line.starts_with("picoevent_embassy ")), "{text}");
    assert!(lines.last().unwrap().starts_with("all "), "{text}");
}

/// Returns the path of a program for the lm3s6965evb.
fn firmware(program: &str) -> PathBuf {
    let firmware = env::var_os("PICOEVENT_FIRMWARE").expect("cargo xtask test sets it");
    PathBuf::from(firmware).join("qemu-lm3s6965evb").join(program)
}

/// Sends a signal to a running program.
fn send_signal(running: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &running.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

/// Runs hello-world like any image: connects to the guest through a free port, captures the network frames, and
/// requests the firmware to end.
#[test]
#[ignore = "needs firmware: cargo xtask test"]
fn an_image_runs_under_qemu_until_ctrl_c() {
    let elf = firmware("hello-world");
    let folder = tempfile::tempdir().unwrap();
    let pcap = folder.path().join("pcap");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-picoevent"));
    command.args(["picoevent", "qemu", "--machine", "lm3s6965evb", "--forward", "0:9995"]);
    command.arg("--elf").arg(&elf).arg("--pcap").arg(&pcap);
    let mut running = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines().map_while(Result::ok);
    let first = lines
        .find(|line| line.contains("connect to it with"))
        .expect("it prints how to connect to it");
    let (_, port) = first.split_once("nc 127.0.0.1 ").unwrap();
    let port: u16 = port.strip_suffix(" (port 9995)").unwrap().parse().unwrap();
    lines.find(|line| line.contains("listening")).expect("the guest's log is decoded");
    let mut answer = String::new();
    TcpStream::connect(("127.0.0.1", port)).unwrap().read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "Hello, World!\n");
    send_signal(&running, "-INT");
    assert_eq!(lines.last().map(|line| line.contains("done")), Some(true));
    assert_eq!(running.wait().unwrap().code(), Some(0));
    assert_eq!(fs::read(&pcap).unwrap()[..4], 0xa1b2_c3d4_u32.to_ne_bytes());
}

#[test]
#[ignore = "needs firmware: cargo xtask test"]
fn sigusr1_presses_the_button_of_the_board() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-picoevent"));
    command.args(["picoevent", "qemu", "--machine", "lm3s6965evb"]);
    command.arg("--elf").arg(firmware("gateway"));
    let mut running = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines.find(|line| line.contains("listening")).expect("the guest's log is decoded");
    for _ in 0..2 {
        send_signal(&running, "-USR1");
        lines.find(|line| line.contains("the button was pressed")).expect("the button is pressed");
    }
    send_signal(&running, "-INT");
    assert_eq!(lines.last().map(|line| line.contains("done")), Some(true));
    assert_eq!(running.wait().unwrap().code(), Some(0));
}
