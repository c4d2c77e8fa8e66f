//! What a training step needs of memory doesn't depend on the activation, as `adact bench places` tells, by an allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use adact_lab::bench::{Shape, Work, step};
use adact_lab::config::NetworkOptions;
use adact_lab::threads;

/// Counts bytes in use, and their largest number.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

fn count(size: usize) {
    MOST.fetch_max(IN_USE.fetch_add(size, Relaxed) + size, Relaxed);
}

// SAFETY: hands every request on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes in use while a network with this activation is trained for some steps.
fn most_bytes(network: &NetworkOptions, activation: &str) -> usize {
    let shape = Some(Shape { channels: 3, side: 32 });
    let work = Work {
        network: network.clone(),
        activation: activation.into(),
        shape,
        batch: Some(16),
        precision: Default::default(),
    };
    MOST.store(IN_USE.load(Relaxed), Relaxed);
    // Several threads have as many buffers of their own as they happen to need at once.
    threads::install(1, "the test", || step(&work, 3)).unwrap();
    MOST.load(Relaxed)
}

#[test]
fn no_activation_needs_more_memory_than_another() {
    let named = |name: &str| NetworkOptions { name: name.into(), ..NetworkOptions::default() };
    let gpt = NetworkOptions { depth: Some(2), dim: Some(64), ..named("gpt") };
    for network in [named("convnet"), NetworkOptions { base: Some(8), ..named("unet") }, gpt] {
        // Buffers stay for the next step: what comes first has to ask for them.
        most_bytes(&network, "relu");
        let first = most_bytes(&network, "relu");
        for activation in ["elu", "leaky_relu", "prelu", "rrelu", "silu", "mish", "gelu", "relu"] {
            let most = most_bytes(&network, activation);
            println!("{} {activation}: {most} bytes, {first} with relu", network.name);
            let off = most.abs_diff(first) as f64 / first as f64;
            assert!(off < 0.01, "{} {activation}: {most} bytes, {first} with relu", network.name);
        }
    }
}
