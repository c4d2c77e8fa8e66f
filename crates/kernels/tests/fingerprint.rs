//! The fingerprint of the kernels' results.

mod common;

use common::same_bits_everywhere;

#[test]
fn it_is_the_same_on_every_path_and_with_any_threads() {
    same_bits_everywhere(|| {
        let digits = adact_kernels::fingerprint();
        let half = |part: &str| f32::from_bits(u32::from_str_radix(part, 16).unwrap());
        vec![vec![half(&digits[..8]), half(&digits[8..])]]
    });
}

/// Every processor and platform gives these bits. A change of the kernels that changes numbers on purpose changes this
/// line, and says so in its commit: trainings of the builds before and after it differ.
#[test]
fn it_is_the_one_of_this_version() {
    assert_eq!(adact_kernels::fingerprint(), "051441d16539bd59");
}
