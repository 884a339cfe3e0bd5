//! A program whose stack overflows. A test checks what the board logs after the overflow.

#![no_std]
#![no_main]

use core::hint::black_box;

use embassy_net::StackResources;
use static_cell::StaticCell;

static RESOURCES: StaticCell<StackResources<1>> = StaticCell::new();

#[board::entry]
fn main() -> ! {
    board::run(RESOURCES.init_with(StackResources::new), || {}, |_, _| overflow())
}

fn overflow() {
    defmt::info!("the sum is {=u32}", recurse(black_box(u32::MAX)));
}

#[inline(never)]
fn recurse(depth: u32) -> u32 {
    let words = black_box([depth; 16]);
    if depth == 0 { 0 } else { recurse(depth - 1).wrapping_add(words[0]) }
}
