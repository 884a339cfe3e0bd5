//! Checks an image file: whether it exists, and which machine it is made for.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use object::{Architecture, Object, ObjectSection};

use crate::{
    crates::shares,
    elf::sections,
    qemu::{Machine, Processor},
    table::{Table, grouped},
};

/// Checks that the file exists.
///
/// # Errors
/// If the file does not exist. The error explains what to do.
pub fn check_exists(elf: &Path) -> Result<()> {
    if elf.is_file() {
        return Ok(());
    }
    bail!(
        "there is no file {}: build the image first, such as by cargo build --release",
        elf.display()
    )
}

/// Checks that an image is compiled for the processor of a machine, and linked for the machine's memory.
///
/// # Errors
/// If the image is made for another machine, cannot be read, or is not an ELF file.
pub fn check_made_for(elf: &Path, machine: Machine) -> Result<()> {
    let (shown, name) = (elf.display(), machine.name());
    let bytes = fs::read(elf).with_context(|| format!("cannot read {shown}"))?;
    let file =
        object::File::parse(&*bytes).with_context(|| format!("{shown} is not an object file"))?;
    let (wanted, has) = match machine.processor() {
        Processor::Arm => (Architecture::Arm, "an Arm processor"),
        Processor::Riscv32 => (Architecture::Riscv32, "a RISC-V processor with 32 bits"),
    };
    if file.architecture() != wanted {
        let (other, target) = (file.architecture(), machine.target());
        bail!("{shown} is an image for {other:?}, and {name} has {has}: build it for {target}");
    }
    let memory = machine.memory();
    let parts: Vec<_> =
        memory.iter().map(|part| format!("{:#x}..{:#x}", part.start, part.end)).collect();
    let parts = parts.join(" and ");
    for section in sections(elf)? {
        let end = section.address.saturating_add(section.size);
        let fits = memory.iter().any(|part| part.start <= section.address && end <= part.end);
        if !fits {
            bail!(
                "{shown} is linked for another machine: its {} is at {:#x}..{end:#x}, and {name} has memory at {parts}",
                section.name,
                section.address,
            );
        }
    }
    if let Some(stack) = initial_stack(&file, machine)
        && !memory.iter().any(|part| part.start < stack && stack <= part.end)
    {
        bail!(
            "{shown} is linked for another machine: its stack begins at {stack:#x}, and {name} has memory at {parts}"
        );
    }
    Ok(())
}

/// Returns the initial stack pointer of an image for an Arm machine. It is the first word of the vector table. The
/// vector table is at the start of the machine's memory. Returns `None` if the machine has another processor, or if the
/// image has nothing at the start of the memory.
fn initial_stack(file: &object::File<'_>, machine: Machine) -> Option<u64> {
    let start = machine.memory().first()?.start;
    let vectors = file.sections().find(|section| section.address() == start && section.size() > 0);
    let word = vectors?.data().ok()?.first_chunk::<4>().copied()?;
    (machine.processor() == Processor::Arm).then_some(u32::from_le_bytes(word).into())
}

/// Returns a table of the crates of an image with their bytes, the largest in flash first.
///
/// # Errors
/// The errors of [`shares`].
pub fn table_of_crates(elf: &Path) -> Result<Table> {
    let shares = shares(elf)?;
    let mut table = Table::new(elf.display().to_string(), "crate | flash | static RAM");
    let (flash, ram) =
        shares.values().fold((0, 0), |(flash, ram), share| (flash + share.flash, ram + share.ram));
    let mut rows: Vec<_> = shares.into_iter().collect();
    rows.sort_by_key(|(_, share)| (u64::MAX - share.flash, u64::MAX - share.ram));
    for (name, share) in rows {
        table.row(&name, [grouped(share.flash), grouped(share.ram)]);
    }
    table.row("all", [grouped(flash), grouped(ram)]);
    Ok(table)
}
