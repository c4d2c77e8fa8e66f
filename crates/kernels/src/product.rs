//! What a matrix product does with an element of either side.

use crate::simd::Lanes;

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

/// Calls a function with the product of a precision on this processor.
macro_rules! with_product {
    ($precision:expr, $function:ident($($argument:expr),* $(,)?)) => {
        match $precision {
            $crate::precision::Precision::F32 => $function::<$crate::product::Floats>($($argument),*),
            $crate::precision::Precision::Bf16 if $crate::simd::has_bf16() => {
                $function::<$crate::product::NativePairs>($($argument),*)
            }
            $crate::precision::Precision::Bf16 => $function::<$crate::product::Pairs>($($argument),*),
        }
    };
}
pub(crate) use with_product;
