//! Text from a language model.

use adact_kernels::loss::argmax;
use adact_kernels::random::{Purpose, Stream};

use crate::error::{Error, ErrorKind, Result};
use crate::network::{Inputs, Network};
use crate::pass::Pass;

/// How a text is drawn from a language model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// What the logits are divided by: below 1 the likely becomes likelier, 0 takes the likeliest. Default 0.8.
    pub temperature: f64,
    /// The seed of the draws. Default 0.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.8, seed: 0 }
    }
}

/// Goes on from `prompt` for `count` tokens, one after the other; the network sees the last `context` of them.
///
/// # Errors
/// If there is no prompt, a token is beyond the vocabulary, or the temperature is negative.
pub fn generate<N: Network>(
    network: &N,
    context: usize,
    prompt: &[i32],
    count: usize,
    sampling: Sampling,
) -> Result<Vec<i32>> {
    let invalid = |message: &str| Err(Error::new(ErrorKind::InvalidData, message));
    if prompt.is_empty() {
        return invalid("a text needs a prompt of one token at least");
    }
    if !(sampling.temperature.is_finite() && sampling.temperature >= 0.0) {
        return invalid("the temperature must be 0 at least");
    }
    let network = network.valid();
    let stream = Stream::new(sampling.seed, Purpose::Synthetic, 0);
    let mut tokens = prompt.to_vec();
    for i in 0..count {
        let seen = tokens.len().min(context);
        let mut window = tokens[tokens.len() - seen..].to_vec();
        // What comes after a token changes nothing before it.
        window.resize(context, 0);
        let logits = network.logits(Inputs::Tokens(window), &Pass::new())?;
        let [_, classes] = logits.dims();
        let row: Vec<f32> = logits.narrow(0, seen - 1, 1).into_data().iter::<f32>().collect();
        debug_assert_eq!(row.len(), classes);
        tokens.push(draw(&row, sampling.temperature, stream.uniform(i as u64)) as i32);
    }
    Ok(tokens.split_off(prompt.len()))
}

/// The token that a number from 0 to 1 falls on.
fn draw(logits: &[f32], temperature: f64, uniform: f64) -> usize {
    let best = argmax(logits);
    if temperature == 0.0 {
        return best;
    }
    let weight = |logit: &f32| libm::exp(f64::from(*logit - logits[best]) / temperature);
    let total: f64 = logits.iter().map(weight).sum();
    let mut left = uniform * total;
    for (token, logit) in logits.iter().enumerate() {
        left -= weight(logit);
        if left < 0.0 {
            return token;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_weights() {
        let logits = [0.0, 1.0, f32::NEG_INFINITY, 1.0];
        assert_eq!(draw(&logits, 0.0, 0.99), 1);
        assert_eq!(draw(&logits, 1.0, 0.0), 0);
        assert_eq!(draw(&logits, 1.0, 0.999_999), 3);
        let share = (0..1000).filter(|i| draw(&logits, 1.0, f64::from(*i) / 1000.0) == 0).count();
        assert!((150..=160).contains(&share), "{share}"); // 1 / (1 + 2e) = 0.155
    }
}
