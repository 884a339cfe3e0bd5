//! Writes an image to a board that appears as a USB drive: a board with a Raspberry Pi chip that was connected with
//! BOOTSEL held.
//!
//! Writing to the drive needs no other program and no debug probe. When the board has received the last block of the
//! image, the board restarts with the image.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::uf2::{self, Chip};

/// The file that identifies the drive of such a board.
const INFO: &str = "INFO_UF2.TXT";

/// The folders in which Linux and macOS mount drives. A drive is directly in one of these folders, or one level below.
const MOUNTS: [&str; 4] = ["/run/media", "/media", "/mnt", "/Volumes"];

/// Finds the drive of a board with this chip. `chip` is probe-rs' name for the chip.
///
/// # Errors
/// If the chip is unknown or there is no such drive. The error explains what to do.
pub fn find(chip: &str) -> Result<PathBuf> {
    let chip = Chip::named(chip)?;
    let found = MOUNTS.into_iter().find_map(|folder| find_in(Path::new(folder), chip));
    found.with_context(|| {
        format!(
            "there is no drive of a board with an {}: hold BOOTSEL while you connect it, mount the drive if your system \
             does not do that, then try again, or name its folder by --drive=FOLDER",
            chip.name
        )
    })
}

/// Finds the drive in a folder or in one of its subfolders.
fn find_in(folder: &Path, chip: Chip) -> Option<PathBuf> {
    let inside = |folder: &Path| {
        let entries = folder.read_dir().into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let folders = inside(folder);
    let subfolders: Vec<_> = folders.iter().flat_map(|folder| inside(folder)).collect();
    folders
        .into_iter()
        .chain(subfolders)
        .find(|folder| board_id(folder).as_deref() == Some(chip.board_id))
}

/// Returns the board id in a drive's [`INFO`] file; `None` if the folder is not the drive of such a board.
fn board_id(folder: &Path) -> Option<String> {
    let info = fs::read_to_string(folder.join(INFO)).ok()?;
    let id = info.lines().find_map(|line| line.strip_prefix("Board-ID:"))?;
    Some(id.trim().to_owned())
}

/// Writes an image to the drive of a board with this chip. Prints the command that shows the board's log.
///
/// # Errors
/// If the chip is unknown, the folder is not the drive of a board with this chip, the image is not for the chip, or
/// the drive cannot be written.
pub fn write(elf: &Path, chip: &str, drive: &Path) -> Result<()> {
    let chip = Chip::named(chip)?;
    let shown = drive.display();
    match board_id(drive) {
        None => bail!("{shown} is not the drive of a board: it has no {INFO}"),
        Some(id) if id != chip.board_id => {
            bail!(
                "{shown} is the drive of another board: its id is {id}, and the id of an {} is {}",
                chip.name,
                chip.board_id
            )
        }
        Some(_) => {}
    }
    let image = uf2::from_elf(elf, chip)?;
    let written = || -> std::io::Result<()> {
        let mut file = File::create(drive.join("image.uf2"))?;
        file.write_all(&image)?;
        file.sync_all()
    };
    match written() {
        // The drive vanishes as soon as the board has the last block. So an error matters only if the drive is still
        // there.
        Err(error) if board_id(drive).is_some() => {
            Err(error).with_context(|| format!("cannot write to {shown}"))
        }
        _ => {
            println!(
                "{} blocks are on the board, which starts; its log: cargo picoevent log --elf {} --port PORT",
                image.len() / 512,
                elf.display()
            );
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drive_is_found_by_its_board_id() {
        let folder = tempfile::tempdir().unwrap();
        let rp2040 = Chip::named("RP2040").unwrap();
        assert_eq!(find_in(folder.path(), rp2040), None);
        for (name, id) in [("somebody/RP2350", "RP2350"), ("somebody/RPI-RP2", "RPI-RP2")] {
            let drive = folder.path().join(name);
            fs::create_dir_all(&drive).unwrap();
            let info = format!("UF2 Bootloader v3.0\r\nModel: Raspberry Pi\r\nBoard-ID: {id}\r\n");
            fs::write(drive.join(INFO), info).unwrap();
        }
        assert_eq!(find_in(folder.path(), rp2040), Some(folder.path().join("somebody/RPI-RP2")));
        let rp2350 = Chip::named("RP235x").unwrap();
        assert_eq!(
            find_in(&folder.path().join("somebody"), rp2350).unwrap().file_name().unwrap(),
            "RP2350"
        );
        let error = Chip::named("STM32H743ZITx").unwrap_err().to_string();
        assert_eq!(
            error,
            "STM32H743ZITx does not appear as a drive: only RP2040 and RP235x do, with BOOTSEL held"
        );
    }
}
