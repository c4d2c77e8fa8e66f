//! The exponential and the logarithm of `libm`, many at a time: without branches, so that the compiler makes vectors of
//! them, and to the same bits. The methods are fdlibm's (Sun Microsystems 1993), where they are explained.

use crate::simd::vectorised;

vectorised! {
    /// Replaces each value, which is 0, negative or NaN, by its exponential.
    pub(crate) fn exp<V>(values: &mut [f64]) {
        for v in values {
            *v = exp_of_negative(*v);
        }
    }
}

vectorised! {
    /// Replaces each value, which is 1, larger and finite, or NaN, by its natural logarithm.
    pub(crate) fn log<V>(values: &mut [f64]) {
        for v in values {
            *v = log_from_one(*v);
        }
    }
}

const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

#[inline(always)]
fn exp_of_negative(x: f64) -> f64 {
    /// Of the quotient that stands for exp(r).
    const P: [f64; 5] = [
        1.666_666_666_666_660_2e-1,
        -2.777_777_777_701_559_3e-3,
        6.613_756_321_437_934e-5,
        -1.653_390_220_546_525_2e-6,
        4.138_136_797_057_238_5e-8,
    ];
    // the first magnitudes that fdlibm, which looks at their upper halves, takes for larger than 2^-28 and ln 2 / 2, and for
    // 3/2 ln 2
    let small = f64::from_bits(0x3e30_0001_0000_0000);
    let half = f64::from_bits(0x3fd6_2e43_0000_0000);
    let more = f64::from_bits(0x3ff0_a2b2_0000_0000);
    let below = if x < -800.0 { -800.0 } else { x };
    let distance = -below;
    // x = k ln 2 + r
    let many = (std::f64::consts::LOG2_E * below - 0.5) as i32;
    let some = if distance >= more { many } else { -1 };
    let k = if distance >= half { some } else { 0 };
    let high = below - f64::from(k) * LN2_HIGH;
    let low = f64::from(k) * LN2_LOW;
    let r = high - low;
    let square = r * r;
    let c = r - square * (P[0] + square * (P[1] + square * (P[2] + square * (P[3] + square * P[4]))));
    let y = 1.0 + (r * c / (2.0 - c) - low + high);
    // in two steps: 2^k may be below the smallest number
    let y = y * power_of_two(k >> 1) * power_of_two(k - (k >> 1));
    let y = if distance < small { 1.0 + x } else { y };
    if x < -745.133_219_101_941_1 { 0.0 } else { y }
}

#[inline(always)]
fn power_of_two(k: i32) -> f64 {
    f64::from_bits(((k + 1023) as u64) << 52)
}

#[inline(always)]
fn log_from_one(x: f64) -> f64 {
    const L: [f64; 7] = [
        6.666_666_666_666_735e-1,
        3.999_999_999_940_942e-1,
        2.857_142_874_366_239e-1,
        2.222_219_843_214_978_4e-1,
        1.818_357_216_161_805e-1,
        1.531_383_769_920_937_3e-1,
        1.479_819_860_511_658_6e-1,
    ];
    const ROOT_HALF: u64 = 0x3fe6_a09e; // the upper half of the root of 1/2
    // x = 2^k m, m from the root of 1/2 to that of 2
    let bits = x.to_bits();
    let upper = (bits >> 32) + (0x3ff0_0000 - ROOT_HALF);
    let k = f64::from((upper >> 20) as i32 - 0x3ff);
    let m = f64::from_bits((((upper & 0xf_ffff) + ROOT_HALF) << 32) | (bits & 0xffff_ffff));
    let f = m - 1.0;
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let odd = w * (L[1] + w * (L[3] + w * L[5]));
    let even = z * (L[0] + w * (L[2] + w * (L[4] + w * L[6])));
    let y = s * (half_square + (even + odd)) + k * LN2_LOW - half_square + f + k * LN2_HIGH;
    if x.is_nan() { x } else { y }
}

#[cfg(test)]
mod tests {
    use crate::random::{Purpose, Stream};

    /// Numbers of every magnitude, and those where the methods change.
    fn numbers() -> Vec<f64> {
        let stream = Stream::new(1, Purpose::Synthetic, 0);
        let edges = [
            0.0,
            f64::from_bits(0x3e30_0001_0000_0000),
            f64::from_bits(0x3fd6_2e43_0000_0000),
            f64::from_bits(0x3ff0_a2b2_0000_0000),
            708.396_418_532_264_1,
            745.133_219_101_941_1,
            800.0,
            1e300,
            f64::MAX,
        ];
        let near =
            |x: f64| [x, f64::from_bits(x.to_bits().saturating_sub(1)), f64::from_bits(x.to_bits() + 1)];
        let mut all: Vec<f64> = edges.into_iter().flat_map(near).collect();
        for i in 0..200_000 {
            let magnitude = [1e-9, 1e-4, 0.3, 1.0, 30.0, 720.0, 2e4][i as usize % 7];
            all.push(stream.normal(i).abs() * magnitude);
        }
        all
    }

    #[test]
    fn exponentials_are_libms_to_the_bit() {
        let numbers: Vec<f64> = numbers().iter().map(|x| -x).chain([f64::NEG_INFINITY, -0.0]).collect();
        let mut got = numbers.clone();
        super::exp(&mut got);
        for (x, y) in numbers.iter().zip(&got) {
            assert_eq!(y.to_bits(), libm::exp(*x).to_bits(), "exp({x:e}) is {y:e}");
        }
        let mut nan = [f64::NAN];
        super::exp(&mut nan);
        assert!(nan[0].is_nan());
    }

    #[test]
    fn logarithms_are_libms_to_the_bit() {
        let numbers: Vec<f64> = numbers().iter().map(|x| (1.0 + x).min(f64::MAX)).collect();
        let mut got = numbers.clone();
        super::log(&mut got);
        for (x, y) in numbers.iter().zip(&got) {
            assert_eq!(y.to_bits(), libm::log(*x).to_bits(), "log({x:e}) is {y:e}");
        }
        let mut nan = [f64::NAN];
        super::log(&mut nan);
        assert!(nan[0].is_nan());
    }
}
