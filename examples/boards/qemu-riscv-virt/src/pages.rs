//! The memory of the virtio queues: pages of a static. Each page is allocated once.

use core::cell::UnsafeCell;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

/// Two pages for each queue: the driver writes one page, and the device writes the other page.
const PAGES: usize = 4;

#[repr(align(4096))]
struct Pages(UnsafeCell<[[u8; PAGE_SIZE]; PAGES]>);

// SAFETY: only `dma_alloc` accesses the pages, and `dma_alloc` gives each page to only one owner.
unsafe impl Sync for Pages {}

static POOL: Pages = Pages(UnsafeCell::new([[0; PAGE_SIZE]; PAGES]));
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// Memory without address translation: the device and the program use the same addresses.
pub(crate) struct Memory;

// SAFETY: pages are aligned and zeroed, because the static `POOL` is aligned and zeroed. No page has two owners,
// because `TAKEN` never decreases. Physical and virtual addresses are equal, and the device can access all memory.
unsafe impl Hal for Memory {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let first = TAKEN.fetch_add(pages, Ordering::Relaxed);
        assert!(first + pages <= PAGES, "there are pages for two queues");
        let pool = NonNull::from(&POOL.0).cast::<u8>();
        // SAFETY: the assertion checked that the pool has these pages.
        let page = unsafe { pool.add(first * PAGE_SIZE) };
        (page.addr().get() as PhysAddr, page)
    }

    unsafe fn dma_dealloc(_: PhysAddr, _: NonNull<u8>, _: usize) -> i32 {
        0
    }

    unsafe fn mmio_phys_to_virt(address: PhysAddr, _: usize) -> NonNull<u8> {
        NonNull::new(address as *mut u8).expect("there is no device at zero")
    }

    unsafe fn share(buffer: NonNull<[u8]>, _: BufferDirection) -> PhysAddr {
        buffer.addr().get() as PhysAddr
    }

    unsafe fn unshare(_: PhysAddr, _: NonNull<[u8]>, _: BufferDirection) {}
}
