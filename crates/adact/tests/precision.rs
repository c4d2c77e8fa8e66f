//! Trainings whose matrix products are in bf16.

mod common;

use adact::networks::{AnyConfig, AnyNetwork, GptConfig};
use adact::{ActivationConfig, AdamW, Network, NetworkConfig, Precision, Recipe, Trainer};
use adact_kernels::simd;

const STEPS: u64 = 6;

/// A language model with mixtures, whose sizes are no multiples of a vector.
fn config() -> AnyConfig {
    let gpt = GptConfig { context: 9, dim: 36, depth: 2, heads: 2, ..GptConfig::new(11) };
    AnyConfig::from(gpt).with_activations(vec![ActivationConfig::default(); 2])
}

fn trainer(precision: Precision) -> Trainer<AnyNetwork> {
    Trainer::new(&config(), Recipe { precision, ..AdamW::new().into() }).unwrap()
}

/// The losses of some steps.
fn train(trainer: &mut Trainer<AnyNetwork>, steps: std::ops::Range<u64>) -> Vec<f64> {
    let step = |step| {
        let (inputs, targets) = common::random_batch(&config(), step);
        trainer.step(inputs, &targets).unwrap().loss
    };
    steps.map(step).collect()
}

fn bytes(trainer: &Trainer<AnyNetwork>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    trainer.net().save(&path).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn neither_threads_nor_processors_nor_interruptions_change_the_bits() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut trainer = trainer(Precision::Bf16);
            let losses = train(&mut trainer, 0..STEPS);
            (losses, bytes(&trainer))
        })
    };
    let one = run(1);
    assert!(one == run(2), "other bits with two threads");
    let fastest = simd::path();
    for path in [simd::Path::Portable, simd::Path::Avx2].into_iter().filter(|path| path.is_available()) {
        simd::force(path);
        assert!(!simd::has_bf16(), "only AVX-512 has the instruction");
        assert!(one == run(2), "other bits by {}", path.name());
    }
    simd::force(fastest);
    let folder = tempfile::tempdir().unwrap();
    let mut first = trainer(Precision::Bf16);
    train(&mut first, 0..STEPS / 2);
    first.save_state(folder.path()).unwrap();
    let mut second = Trainer::<AnyNetwork>::load_state(folder.path()).unwrap();
    assert_eq!(second.recipe().precision, Precision::Bf16);
    train(&mut second, STEPS / 2..STEPS);
    assert!(one.1 == bytes(&second), "other bits when resumed");
}

/// Eight bits of a number are left: losses are near those of `f32`, and not the same.
#[test]
fn it_learns_as_f32_does() {
    let [exact, rounded] =
        [Precision::F32, Precision::Bf16].map(|precision| train(&mut trainer(precision), 0..STEPS));
    for (exact, rounded) in exact.iter().zip(&rounded) {
        assert!((exact - rounded).abs() < 0.004 * exact && exact != rounded, "{exact} and {rounded}");
    }
    assert!(rounded.last() < rounded.first());
}

#[test]
fn what_is_evaluated_has_the_precision_of_the_training() {
    let (inputs, targets) = common::random_batch(&config(), 0);
    let of = |precision| trainer(precision).evaluate(inputs.clone(), &targets).unwrap().loss_sum;
    let (exact, rounded) = (of(Precision::F32), of(Precision::Bf16));
    assert!(exact != rounded && (exact - rounded).abs() < 0.004 * exact, "{exact} and {rounded}");
    // Nothing of it is left in this thread.
    assert_eq!(exact, of(Precision::F32));
}
