//! Numbers for people.

use crate::axes::signed;
use crate::statistics::Summary;

/// A mean with its spread: `0.9213 ± 0.0021`, or the number alone where there is no spread.
pub fn mean_and_sd(summary: &Summary) -> String {
    match summary.sd {
        Some(sd) => format!("{:.4} ± {sd:.4}", summary.mean),
        None => format!("{:.4}", summary.mean),
    }
}

/// A summary as [`mean_and_sd`] writes it; nothing where there is none.
pub fn mean_and_sd_or_nothing(summary: &Option<Summary>) -> String {
    summary.as_ref().map(mean_and_sd).unwrap_or_default()
}

/// A number of things: `1 epoch`, `15 epochs`.
pub fn count(n: usize, thing: &str) -> String {
    if n == 1 { format!("1 {thing}") } else { format!("{} {thing}s", thousands(n as u64)) }
}

/// A number with separators between thousands: `399,658`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Seconds as a person says them: `8.3 s`, `12 min 5 s`, `2 h 3 min`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..100 => format!("{seconds:.1} s"),
        100..6000 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// An interval of numbers: `0.9195 to 0.9231`.
pub fn interval([low, high]: [f64; 2]) -> String {
    format!("{low:.4} to {high:.4}")
}

/// An interval of differences: `−0.0008 to +0.0021`.
pub(crate) fn signed_interval([low, high]: [f64; 2]) -> String {
    format!("{} to {}", signed(low), signed(high))
}

/// A sentence with a capital.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A p-value: three digits, and never a zero.
pub fn p_value(p: Option<f64>) -> String {
    match p {
        None => "–".into(),
        Some(p) if p < 0.001 => "< 0.001".into(),
        Some(p) => format!("{p:.3}"),
    }
}

/// A p-value as a statement: `p = 0.016`, `p < 0.001`.
pub fn p_in_words(p: f64) -> String {
    let p = p_value(Some(p));
    if p.starts_with('<') { format!("p {p}") } else { format!("p = {p}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(thousands(399_658), "399,658");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000_000), "1,000,000");
        assert_eq!(duration(8.31), "8.3 s");
        assert_eq!(duration(725.2), "12 min 5 s");
        assert_eq!(duration(7400.0), "2 h 3 min");
        assert_eq!(p_value(Some(0.0)), "< 0.001");
        assert_eq!((p_in_words(0.0), p_in_words(0.25)), ("p < 0.001".into(), "p = 0.250".into()));
    }
}
