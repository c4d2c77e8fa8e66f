//! Memory over shapes that change, by an allocator that counts. One test: it counts the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use adact::{AdAct, AdActConfig};
use burn::tensor::{Device, Tensor};

/// Counts the bytes in use and their largest number.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands every request on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(IN_USE.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(IN_USE.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const LONGEST: usize = 2048;
const WIDTH: usize = 3072;

/// A text that is written token by token, as far as memory goes: 1 x t x 3072.
fn forward(adact: &AdAct, t: usize, device: &Device) {
    adact.forward(Tensor::<3>::ones([1, t, WIDTH], device));
}

/// A step of training on a text of so many tokens.
fn forward_and_backward(adact: &AdAct, t: usize, device: &Device) {
    let x = Tensor::<3>::ones([1, t, WIDTH], device).require_grad();
    let gradients = adact.forward(x.clone()).sum().backward();
    assert_eq!(x.grad(&gradients).unwrap().dims(), [1, t, WIDTH]);
}

#[test]
fn changing_shapes_stay_below_a_limit() {
    let largest = LONGEST * WIDTH * size_of::<f32>(); // 25 MB
    let lengths: Vec<usize> = (1..=LONGEST).step_by(67).collect();
    for (pass, device, tensors) in [
        (forward as fn(&AdAct, usize, &Device), Device::flex(), 2),
        (forward_and_backward, Device::flex().autodiff(), 4),
    ] {
        let adact = AdActConfig::new().init(&device);
        let before = IN_USE.load(Relaxed);
        MOST.store(before, Relaxed);
        for &t in lengths.iter().chain(lengths.iter().rev()) {
            pass(&adact, t, &device);
        }
        // As much as the largest pass needs at once, and twice that in buffers that wait for the next one.
        let (most, limit) = (MOST.load(Relaxed) - before, 3 * tensors * largest);
        assert!(most <= limit, "{most} bytes, more than {limit}");
    }
}
