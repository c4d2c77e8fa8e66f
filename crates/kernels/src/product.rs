//! What a matrix product does with an element of either side.

use crate::precision::Precision;
use crate::simd::{Lanes, has_bf16};

/// Multiplies vectors and adds to a sum.
pub(crate) trait Product {
    /// Whether lanes are pairs of bf16.
    const PAIRS: bool;
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
    const PAIRS: bool = false;
    #[inline(always)]
    fn add<V: Lanes>(left: V, right: V, sum: V) -> V {
        left.mul_add(right, sum)
    }
}

impl Product for Pairs {
    const PAIRS: bool = true;
    #[inline(always)]
    fn add<V: Lanes>(left: V, right: V, sum: V) -> V {
        sum.dot_bf16(left, right)
    }
}

impl Product for NativePairs {
    const PAIRS: bool = true;
    #[inline(always)]
    fn add<V: Lanes>(left: V, right: V, sum: V) -> V {
        sum.dot_bf16_native(left, right)
    }
}

/// Computes something with the product of a precision.
pub(crate) trait WithProduct {
    type Output;
    fn with<P: Product>(self) -> Self::Output;
}

/// Chooses the product of a precision on this processor.
pub(crate) fn with_product<W: WithProduct>(precision: Precision, what: W) -> W::Output {
    match precision {
        Precision::F32 => what.with::<Floats>(),
        Precision::Bf16 if has_bf16() => what.with::<NativePairs>(),
        Precision::Bf16 => what.with::<Pairs>(),
    }
}
