//! The memory that the virtio queues take: pages of a static, each given out once.

use core::cell::UnsafeCell;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

/// Two for each queue: one is written by us, the other by the device.
const PAGES: usize = 4;

#[repr(align(4096))]
struct Pages(UnsafeCell<[[u8; PAGE_SIZE]; PAGES]>);

// SAFETY: it is only reached through `dma_alloc`, which gives each page to one owner.
unsafe impl Sync for Pages {}

static POOL: Pages = Pages(UnsafeCell::new([[0; PAGE_SIZE]; PAGES]));
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// Memory without translation: the device uses the addresses that the program uses.
pub(crate) struct Memory;

// SAFETY: pages are aligned and zeroed, as the static is, and no two owners get the same one, as
// `TAKEN` never becomes less. All memory is at its own address, and seen by the device.
unsafe impl Hal for Memory {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let first = TAKEN.fetch_add(pages, Ordering::Relaxed);
        assert!(first + pages <= PAGES, "there are pages for two queues");
        let pool = NonNull::from(&POOL.0).cast::<u8>();
        // SAFETY: that many pages are in the pool.
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
