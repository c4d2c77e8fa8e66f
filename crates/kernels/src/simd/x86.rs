//! The x86-64 paths: AVX-512 (one register a vector) and AVX2 with FMA (two).
//!
//! The methods are only ever inlined into functions compiled for the instructions they use (`vectorised!`) and called
//! where the processor has them, which is what makes the calls to the intrinsics sound. That is why no vector leaves the
//! crate.

use super::Lanes;
use std::arch::x86_64::*;

/// Sixteen lanes in one AVX-512 register.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512);

/// Sixteen lanes in two AVX registers.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256, __m256);

/// [`Lanes::transpose8`] in AVX registers: pairs of rows, then of pairs, then of halves.
///
/// # Safety
/// As there.
#[inline(always)]
unsafe fn transpose8x8(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
    unsafe {
        let mut rows = [_mm256_setzero_ps(); 8];
        for (i, row) in rows.iter_mut().enumerate() {
            *row = _mm256_loadu_ps(from.add(i * stride));
        }
        let [r0, r1, r2, r3, r4, r5, r6, r7] = rows;
        let (a0, a1) = (_mm256_unpacklo_ps(r0, r1), _mm256_unpackhi_ps(r0, r1));
        let (a2, a3) = (_mm256_unpacklo_ps(r2, r3), _mm256_unpackhi_ps(r2, r3));
        let (a4, a5) = (_mm256_unpacklo_ps(r4, r5), _mm256_unpackhi_ps(r4, r5));
        let (a6, a7) = (_mm256_unpacklo_ps(r6, r7), _mm256_unpackhi_ps(r6, r7));
        const LOW: i32 = 0b01_00_01_00;
        const HIGH: i32 = 0b11_10_11_10;
        let (b0, b1) = (_mm256_shuffle_ps::<LOW>(a0, a2), _mm256_shuffle_ps::<HIGH>(a0, a2));
        let (b2, b3) = (_mm256_shuffle_ps::<LOW>(a1, a3), _mm256_shuffle_ps::<HIGH>(a1, a3));
        let (b4, b5) = (_mm256_shuffle_ps::<LOW>(a4, a6), _mm256_shuffle_ps::<HIGH>(a4, a6));
        let (b6, b7) = (_mm256_shuffle_ps::<LOW>(a5, a7), _mm256_shuffle_ps::<HIGH>(a5, a7));
        _mm256_storeu_ps(to, _mm256_permute2f128_ps::<0x20>(b0, b4));
        _mm256_storeu_ps(to.add(to_stride), _mm256_permute2f128_ps::<0x20>(b1, b5));
        _mm256_storeu_ps(to.add(2 * to_stride), _mm256_permute2f128_ps::<0x20>(b2, b6));
        _mm256_storeu_ps(to.add(3 * to_stride), _mm256_permute2f128_ps::<0x20>(b3, b7));
        _mm256_storeu_ps(to.add(4 * to_stride), _mm256_permute2f128_ps::<0x31>(b0, b4));
        _mm256_storeu_ps(to.add(5 * to_stride), _mm256_permute2f128_ps::<0x31>(b1, b5));
        _mm256_storeu_ps(to.add(6 * to_stride), _mm256_permute2f128_ps::<0x31>(b2, b6));
        _mm256_storeu_ps(to.add(7 * to_stride), _mm256_permute2f128_ps::<0x31>(b3, b7));
    }
}

/// Numbers rounded to bf16 in the upper halves, as `bf16::round`; the lower halves hold something.
#[inline(always)]
unsafe fn rounded(v: __m512) -> __m512i {
    unsafe {
        let bits = _mm512_castps_si512(v);
        let is_odd = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
        let near = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), is_odd);
        let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(v, v);
        let quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x0040_0000));
        let near = _mm512_mask_blend_epi32(nan, near, quiet);
        let exponent = _mm512_set1_epi32(0x7f80_0000);
        let subnormal = _mm512_testn_epi32_mask(bits, exponent);
        let sign = _mm512_and_si512(bits, _mm512_set1_epi32(i32::MIN));
        _mm512_mask_blend_epi32(subnormal, near, sign)
    }
}

/// `sum` plus the products of pairs of bf16, by AVX512-BF16's instruction. Its intrinsic would only be inlined into functions that
/// are compiled for it, of which there are none.
///
/// # Safety
/// The processor has the instruction.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn dot_of_pairs(mut sum: __m512, a: __m512, b: __m512) -> __m512 {
    unsafe {
        std::arch::asm!(
            "vdpbf16ps {sum}, {a}, {b}",
            sum = inout(zmm_reg) sum,
            a = in(zmm_reg) a,
            b = in(zmm_reg) b,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sum
}

/// [`rounded`] for half of a vector.
#[inline(always)]
unsafe fn rounded_half(v: __m256) -> __m256i {
    unsafe {
        let bits = _mm256_castps_si256(v);
        let is_odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
        let near = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), is_odd);
        let nan = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(v, v));
        let quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x0040_0000));
        let near = _mm256_blendv_epi8(near, quiet, nan);
        let exponent = _mm256_and_si256(bits, _mm256_set1_epi32(0x7f80_0000));
        let subnormal = _mm256_cmpeq_epi32(exponent, _mm256_setzero_si256());
        let sign = _mm256_and_si256(bits, _mm256_set1_epi32(i32::MIN));
        _mm256_blendv_epi8(near, sign, subnormal)
    }
}

impl Lanes for Avx512 {
    type Bits = __m512i;
    const TILE_VECTORS: usize = 4;
    const TILE_SUMS: usize = 24;

    #[inline(always)]
    fn splat(v: f32) -> Self {
        Self(unsafe { _mm512_set1_ps(v) })
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        Self(unsafe { _mm512_loadu_ps(p) })
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        unsafe { _mm512_storeu_ps(p, self.0) }
    }
    #[inline(always)]
    unsafe fn load_u8(p: *const u8) -> Self {
        Self(unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(p.cast()))) })
    }
    #[inline(always)]
    unsafe fn store_u8(self, p: *mut u8) {
        unsafe { _mm_storeu_si128(p.cast(), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(self.0))) }
    }
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        Self(unsafe { _mm512_add_ps(self.0, o.0) })
    }
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        Self(unsafe { _mm512_sub_ps(self.0, o.0) })
    }
    #[inline(always)]
    fn mul(self, o: Self) -> Self {
        Self(unsafe { _mm512_mul_ps(self.0, o.0) })
    }
    #[inline(always)]
    fn div(self, o: Self) -> Self {
        Self(unsafe { _mm512_div_ps(self.0, o.0) })
    }
    #[inline(always)]
    fn min(self, o: Self) -> Self {
        Self(unsafe { _mm512_min_ps(self.0, o.0) })
    }
    #[inline(always)]
    fn max(self, o: Self) -> Self {
        Self(unsafe { _mm512_max_ps(self.0, o.0) })
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        Self(unsafe { _mm512_fmadd_ps(self.0, a.0, b.0) })
    }
    #[inline(always)]
    fn neg_mul_add(self, a: Self, b: Self) -> Self {
        Self(unsafe { _mm512_fnmadd_ps(self.0, a.0, b.0) })
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(unsafe { _mm512_sqrt_ps(self.0) })
    }
    #[inline(always)]
    fn select_gt(self, o: Self, a: Self, b: Self) -> Self {
        Self(unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, o.0), b.0, a.0) })
    }
    #[inline(always)]
    fn select_eq(self, o: Self, a: Self, b: Self) -> Self {
        Self(unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(self.0, o.0), b.0, a.0) })
    }
    #[inline(always)]
    fn select_gt_or_nan(self, o: Self, a: Self, b: Self) -> Self {
        unsafe {
            let gt = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, o.0);
            let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(self.0, self.0);
            Self(_mm512_mask_blend_ps(gt | nan, b.0, a.0))
        }
    }
    #[inline(always)]
    fn exp2_integral(self) -> Self {
        unsafe {
            let k = _mm512_add_epi32(_mm512_cvtps_epi32(self.0), _mm512_set1_epi32(127));
            Self(_mm512_castsi512_ps(_mm512_slli_epi32::<23>(k)))
        }
    }
    #[inline(always)]
    unsafe fn transpose8(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
        unsafe { transpose8x8(from, stride, to, to_stride) }
    }
    #[inline(always)]
    fn pairs_bf16(even: Self, odd: Self) -> Self {
        unsafe {
            let (even, odd) = (_mm512_srli_epi32::<16>(rounded(even.0)), rounded(odd.0));
            // the odd ones' upper halves, and the even ones below them
            Self(_mm512_castsi512_ps(_mm512_mask_blend_epi16(0xaaaa_aaaa, even, odd)))
        }
    }
    #[inline(always)]
    unsafe fn store_bf16(self, p: *mut u16) {
        unsafe {
            let numbers = _mm512_cvtepi32_epi16(_mm512_srli_epi32::<16>(rounded(self.0)));
            _mm256_storeu_si256(p.cast(), numbers);
        }
    }
    #[inline(always)]
    fn upper_bf16(self) -> Self {
        unsafe {
            let mask = _mm512_set1_epi32(0xffff_0000_u32 as i32);
            Self(_mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(self.0), mask)))
        }
    }
    #[inline(always)]
    fn lower_bf16(self) -> Self {
        unsafe { Self(_mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_castps_si512(self.0)))) }
    }
    #[inline(always)]
    fn dot_bf16_native(self, a: Self, b: Self) -> Self {
        Self(unsafe { dot_of_pairs(self.0, a.0, b.0) })
    }
    #[inline(always)]
    fn counters(start: u32) -> Self::Bits {
        unsafe {
            let i = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            _mm512_add_epi32(_mm512_set1_epi32(start as i32), i)
        }
    }
    #[inline(always)]
    fn bits_splat(v: u32) -> Self::Bits {
        unsafe { _mm512_set1_epi32(v as i32) }
    }
    #[inline(always)]
    fn bits_add(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        unsafe { _mm512_add_epi32(a, b) }
    }
    #[inline(always)]
    fn bits_xor(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        unsafe { _mm512_xor_si512(a, b) }
    }
    #[inline(always)]
    fn bits_mul(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        unsafe { _mm512_mullo_epi32(a, b) }
    }
    #[inline(always)]
    fn bits_shr<const N: u32>(a: Self::Bits) -> Self::Bits {
        unsafe { _mm512_srli_epi32::<N>(a) }
    }
    #[inline(always)]
    fn to_bits_integral(self) -> Self::Bits {
        unsafe { _mm512_cvtps_epi32(self.0) }
    }
    #[inline(always)]
    fn bits_to_24(a: Self::Bits) -> Self {
        Self(unsafe { _mm512_cvtepi32_ps(_mm512_srli_epi32::<8>(a)) })
    }
}

impl Lanes for Avx2 {
    type Bits = (__m256i, __m256i);
    const TILE_VECTORS: usize = 1;
    const TILE_SUMS: usize = 6;

    #[inline(always)]
    fn splat(v: f32) -> Self {
        let v = unsafe { _mm256_set1_ps(v) };
        Self(v, v)
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        unsafe { Self(_mm256_loadu_ps(p), _mm256_loadu_ps(p.add(8))) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        unsafe {
            _mm256_storeu_ps(p, self.0);
            _mm256_storeu_ps(p.add(8), self.1);
        }
    }
    #[inline(always)]
    unsafe fn load_u8(p: *const u8) -> Self {
        unsafe {
            let lo = _mm256_cvtepu8_epi32(_mm_loadl_epi64(p.cast()));
            let hi = _mm256_cvtepu8_epi32(_mm_loadl_epi64(p.add(8).cast()));
            Self(_mm256_cvtepi32_ps(lo), _mm256_cvtepi32_ps(hi))
        }
    }
    #[inline(always)]
    unsafe fn store_u8(self, p: *mut u8) {
        unsafe {
            let (lo, hi) = (_mm256_cvtps_epi32(self.0), _mm256_cvtps_epi32(self.1));
            // packing works within 128-bit halves: [lo0 hi0 | lo1 hi1] -> put in order by 64-bit blocks
            let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packus_epi32(lo, hi));
            let bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
            _mm_storeu_si128(p.cast(), bytes);
        }
    }
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        unsafe { Self(_mm256_add_ps(self.0, o.0), _mm256_add_ps(self.1, o.1)) }
    }
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        unsafe { Self(_mm256_sub_ps(self.0, o.0), _mm256_sub_ps(self.1, o.1)) }
    }
    #[inline(always)]
    fn mul(self, o: Self) -> Self {
        unsafe { Self(_mm256_mul_ps(self.0, o.0), _mm256_mul_ps(self.1, o.1)) }
    }
    #[inline(always)]
    fn div(self, o: Self) -> Self {
        unsafe { Self(_mm256_div_ps(self.0, o.0), _mm256_div_ps(self.1, o.1)) }
    }
    #[inline(always)]
    fn min(self, o: Self) -> Self {
        unsafe { Self(_mm256_min_ps(self.0, o.0), _mm256_min_ps(self.1, o.1)) }
    }
    #[inline(always)]
    fn max(self, o: Self) -> Self {
        unsafe { Self(_mm256_max_ps(self.0, o.0), _mm256_max_ps(self.1, o.1)) }
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        unsafe { Self(_mm256_fmadd_ps(self.0, a.0, b.0), _mm256_fmadd_ps(self.1, a.1, b.1)) }
    }
    #[inline(always)]
    fn neg_mul_add(self, a: Self, b: Self) -> Self {
        unsafe { Self(_mm256_fnmadd_ps(self.0, a.0, b.0), _mm256_fnmadd_ps(self.1, a.1, b.1)) }
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        unsafe { Self(_mm256_sqrt_ps(self.0), _mm256_sqrt_ps(self.1)) }
    }
    #[inline(always)]
    fn select_gt(self, o: Self, a: Self, b: Self) -> Self {
        unsafe {
            Self(
                _mm256_blendv_ps(b.0, a.0, _mm256_cmp_ps::<_CMP_GT_OQ>(self.0, o.0)),
                _mm256_blendv_ps(b.1, a.1, _mm256_cmp_ps::<_CMP_GT_OQ>(self.1, o.1)),
            )
        }
    }
    #[inline(always)]
    fn select_eq(self, o: Self, a: Self, b: Self) -> Self {
        unsafe {
            Self(
                _mm256_blendv_ps(b.0, a.0, _mm256_cmp_ps::<_CMP_EQ_OQ>(self.0, o.0)),
                _mm256_blendv_ps(b.1, a.1, _mm256_cmp_ps::<_CMP_EQ_OQ>(self.1, o.1)),
            )
        }
    }
    #[inline(always)]
    fn select_gt_or_nan(self, o: Self, a: Self, b: Self) -> Self {
        unsafe {
            let m0 = _mm256_or_ps(
                _mm256_cmp_ps::<_CMP_GT_OQ>(self.0, o.0),
                _mm256_cmp_ps::<_CMP_UNORD_Q>(self.0, self.0),
            );
            let m1 = _mm256_or_ps(
                _mm256_cmp_ps::<_CMP_GT_OQ>(self.1, o.1),
                _mm256_cmp_ps::<_CMP_UNORD_Q>(self.1, self.1),
            );
            Self(_mm256_blendv_ps(b.0, a.0, m0), _mm256_blendv_ps(b.1, a.1, m1))
        }
    }
    #[inline(always)]
    fn exp2_integral(self) -> Self {
        unsafe {
            let bias = _mm256_set1_epi32(127);
            let k0 = _mm256_add_epi32(_mm256_cvtps_epi32(self.0), bias);
            let k1 = _mm256_add_epi32(_mm256_cvtps_epi32(self.1), bias);
            Self(
                _mm256_castsi256_ps(_mm256_slli_epi32::<23>(k0)),
                _mm256_castsi256_ps(_mm256_slli_epi32::<23>(k1)),
            )
        }
    }
    #[inline(always)]
    unsafe fn transpose8(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
        unsafe { transpose8x8(from, stride, to, to_stride) }
    }
    #[inline(always)]
    fn pairs_bf16(even: Self, odd: Self) -> Self {
        unsafe {
            let pairs = |even, odd| {
                let even = _mm256_srli_epi32::<16>(rounded_half(even));
                _mm256_castsi256_ps(_mm256_blend_epi16::<0b1010_1010>(even, rounded_half(odd)))
            };
            Self(pairs(even.0, odd.0), pairs(even.1, odd.1))
        }
    }
    #[inline(always)]
    unsafe fn store_bf16(self, p: *mut u16) {
        unsafe {
            let lo = _mm256_srli_epi32::<16>(rounded_half(self.0));
            let hi = _mm256_srli_epi32::<16>(rounded_half(self.1));
            // packing works within 128-bit halves: put in order by 64-bit blocks
            let numbers = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packus_epi32(lo, hi));
            _mm256_storeu_si256(p.cast(), numbers);
        }
    }
    #[inline(always)]
    fn upper_bf16(self) -> Self {
        unsafe {
            let mask = _mm256_castsi256_ps(_mm256_set1_epi32(0xffff_0000_u32 as i32));
            Self(_mm256_and_ps(self.0, mask), _mm256_and_ps(self.1, mask))
        }
    }
    #[inline(always)]
    fn lower_bf16(self) -> Self {
        unsafe {
            let lower = |v| _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_castps_si256(v)));
            Self(lower(self.0), lower(self.1))
        }
    }
    #[inline(always)]
    fn counters(start: u32) -> Self::Bits {
        unsafe {
            let s = _mm256_set1_epi32(start as i32);
            let i = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            let lo = _mm256_add_epi32(s, i);
            (lo, _mm256_add_epi32(lo, _mm256_set1_epi32(8)))
        }
    }
    #[inline(always)]
    fn bits_splat(v: u32) -> Self::Bits {
        let v = unsafe { _mm256_set1_epi32(v as i32) };
        (v, v)
    }
    #[inline(always)]
    fn bits_add(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        unsafe { (_mm256_add_epi32(a.0, b.0), _mm256_add_epi32(a.1, b.1)) }
    }
    #[inline(always)]
    fn bits_xor(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        unsafe { (_mm256_xor_si256(a.0, b.0), _mm256_xor_si256(a.1, b.1)) }
    }
    #[inline(always)]
    fn bits_mul(a: Self::Bits, b: Self::Bits) -> Self::Bits {
        unsafe { (_mm256_mullo_epi32(a.0, b.0), _mm256_mullo_epi32(a.1, b.1)) }
    }
    #[inline(always)]
    fn bits_shr<const N: u32>(a: Self::Bits) -> Self::Bits {
        unsafe {
            let n = _mm_cvtsi32_si128(N as i32);
            (_mm256_srl_epi32(a.0, n), _mm256_srl_epi32(a.1, n))
        }
    }
    #[inline(always)]
    fn to_bits_integral(self) -> Self::Bits {
        unsafe { (_mm256_cvtps_epi32(self.0), _mm256_cvtps_epi32(self.1)) }
    }
    #[inline(always)]
    fn bits_to_24(a: Self::Bits) -> Self {
        unsafe {
            Self(
                _mm256_cvtepi32_ps(_mm256_srli_epi32::<8>(a.0)),
                _mm256_cvtepi32_ps(_mm256_srli_epi32::<8>(a.1)),
            )
        }
    }
}
