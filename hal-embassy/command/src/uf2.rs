//! Images in Microsoft's UF2 format, for Raspberry Pi chips that appear as a drive.
//!
//! A UF2 file is a sequence of blocks of 512 bytes. Each block has 256 bytes of the image and their
//! address, so it does not matter where on the drive a block is written.

use std::{collections::BTreeMap, fs, ops::Range, path::Path};

use anyhow::{Context, Result, bail};
use object::{
    elf::{FileHeader32, PT_LOAD},
    read::elf::{ElfFile, ProgramHeader},
};

/// The number of bytes of the image in a block.
const PAGE: usize = 256;

/// The number of bytes that are erased at once. If a sector is not written completely, the loader
/// of the RP2040 may keep old bytes of the sector.
const SECTOR: usize = 4096;

/// A chip whose loader accepts UF2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chip {
    /// probe-rs' name of the chip.
    pub name: &'static str,
    /// The drive's board id: the value of `Board-ID` in the drive's file `INFO_UF2.TXT`.
    pub board_id: &'static str,
    /// The UF2 family id, which is in each block.
    family: u32,
}

/// The known chips.
pub const CHIPS: [Chip; 2] = [
    Chip { name: "RP2040", board_id: "RPI-RP2", family: 0xE48B_FF56 },
    Chip { name: "RP235x", board_id: "RP2350", family: 0xE48B_FF59 },
];

/// The addresses of the flash of the RP2040 and of the RP235x.
const FLASH: Range<u32> = 0x1000_0000..0x1100_0000;

impl Chip {
    /// Finds a chip by its name.
    ///
    /// # Errors
    /// If the chip has no loader for UF2; the error lists the chips that have such a loader.
    pub fn named(name: &str) -> Result<Chip> {
        let known = CHIPS.map(|chip| chip.name).join(" and ");
        let found = CHIPS.into_iter().find(|chip| chip.name == name);
        found.with_context(|| {
            format!("{name} does not appear as a drive: only {known} do, with BOOTSEL held")
        })
    }
}

/// Makes the UF2 file of an image.
///
/// # Errors
/// If the file is not a 32-bit ELF file, or has data outside of the chip's flash.
pub fn from_elf(elf: &Path, chip: Chip) -> Result<Vec<u8>> {
    let shown = elf.display();
    let bytes = fs::read(elf).with_context(|| format!("cannot read {shown}"))?;
    let file = ElfFile::<FileHeader32<object::Endianness>>::parse(&*bytes);
    let file = file.with_context(|| format!("{shown} is not a 32-bit ELF file"))?;
    let mut sectors = BTreeMap::new();
    for part in file.elf_program_headers() {
        let endian = file.endian();
        let data =
            part.data(endian, &*bytes).ok().with_context(|| format!("{shown} is truncated"))?;
        if part.p_type(endian) != PT_LOAD || data.is_empty() {
            continue;
        }
        // The load address. For variables, the load address differs from the address at run time.
        let first = part.p_paddr(endian);
        let end = u64::from(first) + data.len() as u64;
        if !FLASH.contains(&first) || end > u64::from(FLASH.end) {
            bail!(
                "{shown} is linked for another chip: it has bytes at {first:#x}..{end:#x}, and the flash of {} \
                 begins at {:#x}",
                chip.name,
                FLASH.start
            );
        }
        for (address, byte) in (first..).zip(data) {
            let at = address as usize % SECTOR;
            sectors.entry(address - at as u32).or_insert([0xFF; SECTOR])[at] = *byte;
        }
    }
    if sectors.is_empty() {
        bail!("{shown} has nothing for the flash");
    }
    Ok(blocks(&sectors, chip))
}

fn blocks(sectors: &BTreeMap<u32, [u8; SECTOR]>, chip: Chip) -> Vec<u8> {
    let count = sectors.len() * (SECTOR / PAGE);
    let pages = sectors.iter().flat_map(|(first, sector)| {
        let addresses = (*first..).step_by(PAGE);
        addresses.zip(sector.chunks_exact(PAGE))
    });
    let mut blocks = Vec::with_capacity(count * 512);
    for (number, (address, page)) in pages.enumerate() {
        // The header: two magic numbers, the flag for a family id, address, length, index of this block, number of
        // all blocks, family id.
        let family_is_given = 0x2000;
        let header = [0x0A32_4655, 0x9E5D_5157, family_is_given, address, PAGE as u32];
        let rest = [number as u32, count as u32, chip.family];
        blocks.extend(header.into_iter().chain(rest).flat_map(u32::to_le_bytes));
        blocks.extend(page);
        blocks.resize((number + 1) * 512 - 4, 0);
        blocks.extend(0x0AB1_6F30_u32.to_le_bytes());
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sector_becomes_sixteen_blocks_with_their_addresses() {
        let mut sector = [0xFF; SECTOR];
        sector[SECTOR - 1] = 7;
        let blocks = blocks(&BTreeMap::from([(0x1000_1000, sector)]), CHIPS[1]);
        assert_eq!(blocks.len(), 16 * 512);
        let word = |block: usize, word: usize| {
            let at = block * 512 + word * 4;
            u32::from_le_bytes(blocks[at..at + 4].try_into().unwrap())
        };
        for block in 0..16 {
            assert_eq!(
                [word(block, 0), word(block, 1), word(block, 127)],
                [0x0A32_4655, 0x9E5D_5157, 0x0AB1_6F30]
            );
            assert_eq!(word(block, 3), 0x1000_1000 + 256 * block as u32);
            assert_eq!([word(block, 4), word(block, 5), word(block, 6)], [256, block as u32, 16]);
            assert_eq!(word(block, 7), 0xE48B_FF59);
        }
        assert_eq!(blocks[15 * 512 + 32 + 255], 7);
    }
}
