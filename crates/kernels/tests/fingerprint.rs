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
