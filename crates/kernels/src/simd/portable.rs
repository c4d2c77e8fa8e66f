//! The portable path: arrays of sixteen, for any processor.

use super::bf16::{dot, round};
use super::{Lanes, WIDTH};
use std::array::from_fn;

/// Sixteen lanes as an array.
#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; WIDTH]);

impl Lanes for Portable {
    type Bits = [u32; WIDTH];
    const TILE_VECTORS: usize = 1;
    const TILE_SUMS: usize = 6;

    #[inline(always)]
    fn splat(v: f32) -> Self {
        Self([v; WIDTH])
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        Self(unsafe { p.cast::<[f32; WIDTH]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        unsafe { p.cast::<[f32; WIDTH]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn load_u8(p: *const u8) -> Self {
        Self(unsafe { p.cast::<[u8; WIDTH]>().read_unaligned() }.map(f32::from))
    }
    #[inline(always)]
    unsafe fn store_u8(self, p: *mut u8) {
        unsafe { p.cast::<[u8; WIDTH]>().write_unaligned(self.0.map(|v| v as u8)) }
    }
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        Self(from_fn(|i| self.0[i] + o.0[i]))
    }
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        Self(from_fn(|i| self.0[i] - o.0[i]))
    }
    #[inline(always)]
    fn mul(self, o: Self) -> Self {
        Self(from_fn(|i| self.0[i] * o.0[i]))
    }
    #[inline(always)]
    fn div(self, o: Self) -> Self {
        Self(from_fn(|i| self.0[i] / o.0[i]))
    }
    // Without an instruction for it each lane is a call: sixteen of them at every use made this path larger than all others.
    #[cfg_attr(all(target_arch = "x86_64", not(target_feature = "fma")), inline(never))]
    #[cfg_attr(not(all(target_arch = "x86_64", not(target_feature = "fma"))), inline(always))]
    fn mul_add(self, a: Self, b: Self) -> Self {
        Self(from_fn(|i| self.0[i].mul_add(a.0[i], b.0[i])))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: Self, b: Self) -> Self {
        Self(self.0.map(|v| -v)).mul_add(a, b)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.map(f32::sqrt))
    }
    #[inline(always)]
    fn min(self, o: Self) -> Self {
        Self(from_fn(|i| if self.0[i] < o.0[i] { self.0[i] } else { o.0[i] }))
    }
    #[inline(always)]
    fn max(self, o: Self) -> Self {
        Self(from_fn(|i| if self.0[i] > o.0[i] { self.0[i] } else { o.0[i] }))
    }
    #[inline(always)]
    fn select_gt(self, o: Self, a: Self, b: Self) -> Self {
        Self(from_fn(|i| if self.0[i] > o.0[i] { a.0[i] } else { b.0[i] }))
    }
    #[inline(always)]
    fn select_eq(self, o: Self, a: Self, b: Self) -> Self {
        Self(from_fn(|i| if self.0[i] == o.0[i] { a.0[i] } else { b.0[i] }))
    }
    #[inline(always)]
    fn select_gt_or_nan(self, o: Self, a: Self, b: Self) -> Self {
        Self(from_fn(|i| if self.0[i] > o.0[i] || self.0[i].is_nan() { a.0[i] } else { b.0[i] }))
    }
    #[inline(always)]
    fn exp2_integral(self) -> Self {
        Self(self.0.map(|v| f32::from_bits((v as i32).wrapping_add(127).wrapping_shl(23) as u32)))
    }
    #[inline(always)]
    fn pairs_bf16(even: Self, odd: Self) -> Self {
        let pair = |i: usize| u32::from(round(even.0[i])) | u32::from(round(odd.0[i])) << 16;
        Self(from_fn(|i| f32::from_bits(pair(i))))
    }
    #[inline(always)]
    unsafe fn store_bf16(self, p: *mut u16) {
        unsafe { p.cast::<[u16; WIDTH]>().write_unaligned(self.0.map(round)) }
    }
    #[inline(always)]
    fn upper_bf16(self) -> Self {
        Self(self.0.map(|v| f32::from_bits(v.to_bits() & 0xffff_0000)))
    }
    #[inline(always)]
    fn lower_bf16(self) -> Self {
        Self(self.0.map(|v| f32::from_bits(v.to_bits() << 16)))
    }
    // A call: two fused multiply-adds without an instruction for them.
    #[inline(never)]
    fn dot_bf16(self, a: Self, b: Self) -> Self {
        Self(from_fn(|i| dot(self.0[i], a.0[i].to_bits(), b.0[i].to_bits())))
    }
    #[inline(always)]
    fn counters(start: u32) -> Self::Bits {
        from_fn(|i| start.wrapping_add(i as u32))
    }
    #[inline(always)]
    fn bits_splat(v: u32) -> Self::Bits {
        [v; WIDTH]
    }
    #[inline(always)]
    fn bits_add(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        from_fn(|i| a[i].wrapping_add(b[i]))
    }
    #[inline(always)]
    fn bits_xor(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        from_fn(|i| a[i] ^ b[i])
    }
    #[inline(always)]
    fn bits_mul(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        from_fn(|i| a[i].wrapping_mul(b[i]))
    }
    #[inline(always)]
    fn bits_shr<const N: u32>(a: Self::Bits) -> Self::Bits {
        a.map(|v| v >> N)
    }
    #[inline(always)]
    fn to_bits_integral(self) -> Self::Bits {
        self.0.map(|v| v as u32)
    }
    #[inline(always)]
    fn bits_to_24(a: Self::Bits) -> Self {
        Self(a.map(|v| (v >> 8) as f32))
    }
}
