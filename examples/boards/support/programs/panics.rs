//! A program that panics. A test checks what the board logs after the panic.

#![no_std]
#![no_main]

use core::hint::black_box;

use embassy_net::StackResources;
use static_cell::StaticCell;

static RESOURCES: StaticCell<StackResources<1>> = StaticCell::new();

#[board::entry]
fn main() -> ! {
    board::run(RESOURCES.init_with(StackResources::new), || {}, |_, _| outer(black_box(3)))
}

#[inline(never)]
fn outer(index: usize) {
    let value = inner(index);
    defmt::info!("the value is {=u32}", value);
}

#[inline(never)]
fn inner(index: usize) -> u32 {
    black_box([1, 2, 3])[index]
}
