//! What a workspace keeps, by an allocator that counts.

use adact_kernels::block::{self, BlockParams, BlockSpec};
use adact_kernels::{Activation, ConvSpec, Function, Workspace, elementwise};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Counts bytes in use, their largest number, and requests of a page or more.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);
static LARGE: AtomicUsize = AtomicUsize::new(0);

fn count(size: usize) {
    MOST.fetch_max(IN_USE.fetch_add(size, Relaxed) + size, Relaxed);
    LARGE.fetch_add(usize::from(size >= 4096), Relaxed);
}

// SAFETY: hands every request on to the system's allocator
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

/// One test at a time: all of them count the same process.
static ONE: Mutex<()> = Mutex::new(());

/// The most bytes in use at once while `f` runs, beyond those before.
fn most_bytes(f: impl FnOnce()) -> usize {
    let before = IN_USE.load(Relaxed);
    MOST.store(before, Relaxed);
    f();
    MOST.load(Relaxed) - before
}

/// An activation, forward and backward, on 1 x t x 3072 elements for each t.
fn activation_on(ws: &Workspace, lengths: impl Iterator<Item = usize>) {
    let f = Function::single(&Activation::Relu);
    for t in lengths {
        let (x, dy) = (ws.zeros(t * 3072), ws.zeros(t * 3072));
        let (mut y, mut dx) = (ws.take(t * 3072), ws.take(t * 3072));
        elementwise::forward(&f, &x, &mut y);
        elementwise::backward(&f, &x, &dy, &mut dx);
    }
}

#[test]
fn growing_and_shrinking_shapes_stay_below_a_limit() {
    let _one = ONE.lock();
    let ws = Workspace::new();
    // every step has four buffers of 12 KiB t, at most 100 MB
    let step = 4 * 2048 * 3072 * 4;
    let up = || (1..2049).step_by(131);
    let most = most_bytes(|| {
        activation_on(&ws, up());
        activation_on(&ws, up().rev());
    });
    assert!(most <= 3 * step + (1 << 20), "{most} bytes for a step of {step}");
    assert!(ws.kept_bytes() <= 2 * step, "{} bytes kept", ws.kept_bytes());

    // what large shapes left is given back once small ones have gone on for a while
    for _ in 0..20_000 {
        ws.take(3072);
    }
    assert!(ws.kept_bytes() <= 2 * 3072 * 4, "{} bytes kept", ws.kept_bytes());
}

#[test]
fn steps_of_the_same_shapes_take_no_new_buffers() {
    let _one = ONE.lock();
    let ws = Workspace::new();
    // buffers of a network's forward pass are in use together, those of its tasks one after the other
    let lengths = [60_000, 4_000, 200_000, 7_000, 30_000, 900_000, 1_200, 150_000];
    let step = || {
        let mut places = Vec::new();
        let mut kept = Vec::new();
        for (i, &len) in lengths.iter().enumerate() {
            let buffer = ws.take(len);
            places.push(buffer.as_ptr());
            if i % 2 == 0 {
                kept.push(buffer);
            }
        }
        places
    };
    step();
    let second = step();
    let before = LARGE.load(Relaxed);
    for _ in 0..5 {
        assert_eq!(step(), second);
    }
    assert_eq!(LARGE.load(Relaxed) - before, 0);
}

/// A block's step asks the system for its weights' gradient, and for nothing that grows with the batch.
#[test]
fn a_block_takes_no_new_buffers_but_the_gradient_of_its_weights() {
    let _one = ONE.lock();
    let ws = Workspace::new();
    let conv = ConvSpec::same3x3(8, (16, 16), 32, 64);
    let spec = BlockSpec { conv, pool: true, eps: 1e-5 };
    let (x, weight) = (vec![0.1; 8 * conv.in_image()], vec![0.1; conv.weights()]);
    let (ones, zeros, shares) = ([1.0; 64], [0.0; 64], [1.0 / 7.0; 7]);
    let params = BlockParams {
        weight: &weight,
        bias: &zeros,
        gamma_beta: Some((&ones, &zeros)),
        residual: None,
        function: Some(Function::mixture(Activation::PAPER, &shares)),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let step = || {
        let before = LARGE.load(Relaxed);
        pool.install(|| {
            let forward = block::forward(&ws, &spec, &x, &params);
            block::backward(&ws, &spec, &x, &params, &forward.saved, &forward.out, true)
        });
        LARGE.load(Relaxed) - before
    };
    let first = step();
    step();
    let third = step();
    // the gradient of the weights leaves the pool; sums of the tasks are small vectors of their own
    println!("large requests: {first} in the first step, {third} in the third");
    assert!(third <= 4 && third < first, "{third} after {first} in the first step");
}
