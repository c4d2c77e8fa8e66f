//! Vectors of sixteen `f32`, on AVX-512, on AVX2 with FMA, and on anything else.
//!
//! Every kernel is written once, over `Lanes`, and compiled once a path (`vectorised!`).
//! The width is sixteen on every path and every operation is either exact or correctly rounded (a fused
//! multiply-add rounds once on all of them), so **all paths compute the same bits**. The portable path
//! calls the fused multiply-add of the platform, which is slow where the processor has none; it is there to be right.
//!
//! The vectors stay inside the crate: their methods are only sound in functions that are compiled for their instructions and
//! called on processors that have them, and `vectorised!` is what makes those.

pub(crate) mod bf16;
mod peak;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use bf16::has_bf16;
pub use peak::multiply_add;
pub(crate) use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

use std::sync::atomic::{AtomicU8, Ordering};

/// Lanes in a vector, on every path.
pub(crate) const WIDTH: usize = 16;

/// A set of processor instructions that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Plain Rust, for every processor.
    Portable,
    /// x86-64 with AVX2 and FMA: two registers a vector.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL: one register a vector.
    Avx512,
}

impl Path {
    /// `portable`, `avx2` or `avx512`, as the environment variable `ADACT_SIMD` spells them.
    pub fn name(self) -> &'static str {
        match self {
            Path::Portable => "portable",
            Path::Avx2 => "avx2",
            Path::Avx512 => "avx512",
        }
    }

    /// Whether this processor has the instructions.
    pub fn is_available(self) -> bool {
        match self {
            Path::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => {
                Path::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// The fastest path of this processor.
    pub fn fastest() -> Path {
        [Path::Avx512, Path::Avx2].into_iter().find(|p| p.is_available()).unwrap_or(Path::Portable)
    }

    /// The path that a value of `ADACT_SIMD` asks for.
    ///
    /// # Errors
    /// A sentence that says what is wrong: the name is unknown, or this processor lacks the instructions.
    pub fn from_name(name: &str) -> Result<Path, String> {
        let path = [Path::Portable, Path::Avx2, Path::Avx512]
            .into_iter()
            .find(|p| p.name() == name)
            .ok_or_else(|| format!("ADACT_SIMD={name}: use portable, avx2 or avx512"))?;
        if path.is_available() {
            Ok(path)
        } else {
            Err(format!("ADACT_SIMD={name}: this processor has no {name}"))
        }
    }
}

/// The path in use: the one `ADACT_SIMD` names, else the fastest. A name that is unknown or not available counts as
/// absent here (programs call [`requested`] first and report it).
pub fn path() -> Path {
    const PATHS: [Path; 3] = [Path::Portable, Path::Avx2, Path::Avx512];
    match IN_USE.load(Ordering::Relaxed) {
        0 => {
            let path = requested().unwrap_or_else(|_| Path::fastest());
            IN_USE.store(path as u8 + 1, Ordering::Relaxed);
            path
        }
        n => PATHS[usize::from(n) - 1],
    }
}

/// Uses `path` from here on, in the whole process: for tests and measurements that compare paths.
///
/// # Panics
/// If this processor lacks the path's instructions.
pub fn force(path: Path) {
    assert!(path.is_available(), "this processor has no {}", path.name());
    IN_USE.store(path as u8 + 1, Ordering::Relaxed);
}

/// 0 before the first use, then the path's number plus 1.
static IN_USE: AtomicU8 = AtomicU8::new(0);

/// The path that `ADACT_SIMD` asks for, else the fastest one.
///
/// # Errors
/// As [`Path::from_name`].
pub fn requested() -> Result<Path, String> {
    match std::env::var("ADACT_SIMD") {
        Ok(name) if !name.is_empty() => Path::from_name(&name),
        _ => Ok(Path::fastest()),
    }
}

/// Sixteen `f32`. Comparisons with NaN are false; `min` and `max` return their **second** operand if either
/// is NaN (as x86 does), so write the constant first to let NaN through.
pub(crate) trait Lanes: Copy + Send + Sync + 'static {
    /// Sixteen `u32`, for counters and hashes; arithmetic wraps.
    type Bits: Copy;
    /// Vectors a row of a register tile should have, where there are as many columns.
    const TILE_VECTORS: usize;
    /// Vectors of a register tile at most: as many as the registers hold beside the operands.
    const TILE_SUMS: usize;

    /// All lanes `v`.
    fn splat(v: f32) -> Self;
    /// Sixteen floats from memory.
    ///
    /// # Safety
    /// `p` points to 16 readable floats; no alignment is needed.
    unsafe fn load(p: *const f32) -> Self;
    /// Writes sixteen floats.
    ///
    /// # Safety
    /// `p` points to 16 writable floats; no alignment is needed.
    unsafe fn store(self, p: *mut f32);
    /// Reads 16 bytes as numbers.
    ///
    /// # Safety
    /// `p` points to 16 readable bytes.
    unsafe fn load_u8(p: *const u8) -> Self;
    /// Writes integral lanes in 0..=255 as bytes.
    ///
    /// # Safety
    /// `p` points to 16 writable bytes.
    unsafe fn store_u8(self, p: *mut u8);

    /// `self + o`.
    fn add(self, o: Self) -> Self;
    /// `self - o`.
    fn sub(self, o: Self) -> Self;
    /// `self * o`.
    fn mul(self, o: Self) -> Self;
    /// `self / o`.
    fn div(self, o: Self) -> Self;
    /// `self * a + b`, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// `b - self * a`, rounded once.
    fn neg_mul_add(self, a: Self, b: Self) -> Self;
    /// The square root, correctly rounded.
    fn sqrt(self) -> Self;
    /// `self < o ? self : o`, and `o` where either is NaN.
    fn min(self, o: Self) -> Self;
    /// `self > o ? self : o`, and `o` where either is NaN.
    fn max(self, o: Self) -> Self;
    /// `self > o ? a : b`, lane by lane.
    fn select_gt(self, o: Self, a: Self, b: Self) -> Self;
    /// `self == o ? a : b`, lane by lane.
    fn select_eq(self, o: Self, a: Self, b: Self) -> Self;
    /// `self > o or self is NaN ? a : b`, lane by lane: how a maximum keeps NaN.
    fn select_gt_or_nan(self, o: Self, a: Self, b: Self) -> Self;
    /// Two to the power of integral lanes in -126..=127.
    fn exp2_integral(self) -> Self;

    /// Lanes as pairs of bf16, `even` in the lower halves, each rounded as [`bf16::round`].
    fn pairs_bf16(even: Self, odd: Self) -> Self;
    /// Writes sixteen bf16, rounded as [`bf16::round`].
    ///
    /// # Safety
    /// `p` points to 16 writable numbers of 16 bits; no alignment is needed.
    unsafe fn store_bf16(self, p: *mut u16);
    /// The upper bf16 of each lane's pair.
    fn upper_bf16(self) -> Self;
    /// The lower bf16 of each lane's pair.
    fn lower_bf16(self) -> Self;
    /// `self` plus the products of pairs of bf16, as [`bf16::dot`].
    #[inline(always)]
    fn dot_bf16(self, a: Self, b: Self) -> Self {
        let upper = a.upper_bf16().flushed().mul_add(b.upper_bf16().flushed(), self.flushed()).flushed();
        a.lower_bf16().flushed().mul_add(b.lower_bf16().flushed(), upper).flushed()
    }
    /// The same by the processor's instruction for it, where [`has_bf16`] says that there is one.
    #[inline(always)]
    fn dot_bf16_native(self, a: Self, b: Self) -> Self {
        self.dot_bf16(a, b)
    }
    /// Zeros with the same sign in the place of subnormal numbers.
    #[inline(always)]
    fn flushed(self) -> Self {
        let magnitude = self.max(Self::splat(0.0).sub(self));
        Self::splat(f32::MIN_POSITIVE).select_gt(magnitude, self.mul(Self::splat(0.0)), self)
    }

    /// The counters `start, start + 1, ...`.
    fn counters(start: u32) -> Self::Bits;
    /// All lanes `v`.
    fn bits_splat(v: u32) -> Self::Bits;
    /// Wrapping sum.
    fn bits_add(a: Self::Bits, b: Self::Bits) -> Self::Bits;
    /// Exclusive or.
    fn bits_xor(a: Self::Bits, b: Self::Bits) -> Self::Bits;
    /// The low 32 bits of the product.
    fn bits_mul(a: Self::Bits, b: Self::Bits) -> Self::Bits;
    /// Logical shift right.
    fn bits_shr<const N: u32>(a: Self::Bits) -> Self::Bits;
    /// Integral lanes below 2^24 as counters.
    fn to_bits_integral(self) -> Self::Bits;
    /// The upper 24 bits as numbers.
    fn bits_to_24(a: Self::Bits) -> Self;

    /// Transposes eight rows of eight floats.
    ///
    /// # Safety
    /// `from` points to eight rows of eight readable floats, one every `stride`; `to` to as many writable ones, one every
    /// `to_stride`.
    #[inline(always)]
    unsafe fn transpose8(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
        for i in 0..8 {
            for j in 0..8 {
                // SAFETY: by the caller's guarantee
                unsafe { *to.add(j * to_stride + i) = *from.add(i * stride + j) };
            }
        }
    }

    /// The lanes as an array.
    #[inline(always)]
    fn to_array(self) -> [f32; WIDTH] {
        let mut a = [0.0; WIDTH];
        // SAFETY: the array holds sixteen floats
        unsafe { self.store(a.as_mut_ptr()) };
        a
    }

    /// The first `n` lanes from memory, zeros in the rest.
    ///
    /// # Safety
    /// `p` points to `n <= 16` readable floats.
    #[inline(always)]
    unsafe fn load_partial(p: *const f32, n: usize) -> Self {
        if n == WIDTH {
            // SAFETY: by the caller's guarantee
            return unsafe { Self::load(p) };
        }
        let mut a = [0.0; WIDTH];
        // SAFETY: by the caller's guarantee; the array holds sixteen floats
        unsafe {
            std::ptr::copy_nonoverlapping(p, a.as_mut_ptr(), n);
            Self::load(a.as_ptr())
        }
    }

    /// Writes the first `n` lanes.
    ///
    /// # Safety
    /// `p` points to `n <= 16` writable floats.
    #[inline(always)]
    unsafe fn store_partial(self, p: *mut f32, n: usize) {
        if n == WIDTH {
            // SAFETY: by the caller's guarantee
            return unsafe { self.store(p) };
        }
        let a = self.to_array();
        // SAFETY: by the caller's guarantee; the array holds sixteen floats
        unsafe { std::ptr::copy_nonoverlapping(a.as_ptr(), p, n) };
    }

    /// The first `n` bytes from memory as numbers, zeros in the rest.
    ///
    /// # Safety
    /// `p` points to `n <= 16` readable bytes.
    #[inline(always)]
    unsafe fn load_u8_partial(p: *const u8, n: usize) -> Self {
        if n == WIDTH {
            // SAFETY: by the caller's guarantee
            return unsafe { Self::load_u8(p) };
        }
        let mut a = [0; WIDTH];
        // SAFETY: by the caller's guarantee; the array holds sixteen bytes
        unsafe {
            std::ptr::copy_nonoverlapping(p, a.as_mut_ptr(), n);
            Self::load_u8(a.as_ptr())
        }
    }

    /// Writes the first `n` lanes, integral and in 0..=255, as bytes.
    ///
    /// # Safety
    /// `p` points to `n <= 16` writable bytes.
    #[inline(always)]
    unsafe fn store_u8_partial(self, p: *mut u8, n: usize) {
        if n == WIDTH {
            // SAFETY: by the caller's guarantee
            return unsafe { self.store_u8(p) };
        }
        let mut a = [0; WIDTH];
        // SAFETY: by the caller's guarantee; the array holds sixteen bytes
        unsafe {
            self.store_u8(a.as_mut_ptr());
            std::ptr::copy_nonoverlapping(a.as_ptr(), p, n);
        }
    }

    /// The sum of the lanes in `f64`, pairwise in a fixed order.
    #[inline(always)]
    fn sum(self) -> f64 {
        let a = self.to_array().map(f64::from);
        let mut s = [0.0f64; 8];
        for i in 0..8 {
            s[i] = a[i] + a[i + 8];
        }
        ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
    }
}

/// Defines a function whose body, generic over [`Lanes`], is compiled once for each [`Path`] and dispatched at run time.
///
/// The first type parameter names the vector. Closures inside the body may lose the processor's
/// instructions when the compiler doesn't inline them: bodies use loops.
macro_rules! vectorised {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$v:ident $(, $g:ident: $bound:path)* $(; const $c:ident: $cty:ty)?>(
        $($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name<$($g: $bound,)* $(const $c: $cty,)?>($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn body<$v: $crate::simd::Lanes, $($g: $bound,)* $(const $c: $cty,)?>($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            fn avx512<$($g: $bound,)* $(const $c: $cty,)?>($($arg: $ty),*) $(-> $ret)? {
                body::<$crate::simd::Avx512, $($g,)* $($c,)?>($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2<$($g: $bound,)* $(const $c: $cty,)?>($($arg: $ty),*) $(-> $ret)? {
                body::<$crate::simd::Avx2, $($g,)* $($c,)?>($($arg),*)
            }
            match $crate::simd::path() {
                // SAFETY: `path` returns a path only where the processor has its instructions.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Path::Avx512 => unsafe { avx512::<$($g,)* $($c,)?>($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Path::Avx2 => unsafe { avx2::<$($g,)* $($c,)?>($($arg),*) },
                _ => body::<$crate::simd::Portable, $($g,)* $($c,)?>($($arg),*),
            }
        }
    };
}
pub(crate) use vectorised;
