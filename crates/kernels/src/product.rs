//! What a matrix product does with an element of either side.

use crate::simd::Lanes;

/// Multiplies vectors and adds to a sum.
pub(crate) trait Product {
    /// `sum` plus the product of `left` and `right`.
    fn add<V: Lanes>(left: V, right: V, sum: V) -> V;
}

/// Lanes are numbers.
pub(crate) struct Floats;

/// Lanes are pairs of bf16, which lie one after the other along the depth of the product.
pub(crate) struct Pairs;

/// The same, by the instruction that this processor has.
pub(crate) struct NativePairs;

impl Product for Floats {
    #[inline(always)]
    fn add<V: Lanes>(left: V, right: V, sum: V) -> V {
        left.mul_add(right, sum)
    }
}

impl Product for Pairs {
    #[inline(always)]
    fn add<V: Lanes>(left: V, right: V, sum: V) -> V {
        sum.dot_bf16(left, right)
    }
}

impl Product for NativePairs {
    #[inline(always)]
    fn add<V: Lanes>(left: V, right: V, sum: V) -> V {
        sum.dot_bf16_native(left, right)
    }
}
