//! Batch norm's running statistics are a function of the passes, whichever threads made them.

mod common;

use adact::{AdamW, ConvBlock, ConvBlockConfig, ConvNet, ConvNetConfig, Network, NetworkConfig, Trainer};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use common::{normal, values};

const STEPS: u64 = 5;

fn config() -> ConvNetConfig {
    ConvNetConfig::new(2, 8, 3).with_widths(vec![4, 6])
}

fn pixels(step: u64) -> Vec<f32> {
    normal(6 * 8 * 8 * 2, step)
}

const LABELS: [i32; 6] = [0, 1, 2, 2, 1, 0];

fn trainer() -> Trainer {
    Trainer::new(&config(), AdamW::new()).unwrap()
}

fn bytes(net: &ConvNet) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    net.save(&path).unwrap();
    std::fs::read(path).unwrap()
}

fn elsewhere<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

/// What stepping gives where `run` runs each step, read on the main thread and on another.
fn train(mut run: impl FnMut(&mut (dyn FnMut() + Send))) -> Vec<u8> {
    let mut trainer = trainer();
    for step in 0..STEPS {
        run(&mut || {
            trainer.step(pixels(step), &LABELS).unwrap();
        });
    }
    let here = bytes(trainer.net());
    assert!(here == elsewhere(|| bytes(trainer.net())), "another thread saves something else");
    assert!(here == bytes(&trainer.net().clone()), "a clone has something else");
    let evaluate = || trainer.evaluate(pixels(99), &LABELS).unwrap();
    assert_eq!(evaluate(), elsewhere(evaluate));
    here
}

#[test]
fn the_thread_of_a_step_does_not_matter() {
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let expected = train(|step| step());
    assert!(expected == train(|step| elsewhere(step)), "each step on a thread of its own");
    assert!(expected == train(|step| pool(2).install(step)), "each step in a pool of its own");
    let pools = [pool(3), pool(1)];
    let mut turn = 0;
    let in_turn = train(|step| {
        turn += 1;
        // The main thread has its turn as well.
        match pools.get(turn % 3) {
            Some(pool) => pool.install(step),
            None => step(),
        }
    });
    assert!(expected == in_turn, "steps on several threads in turn");
}

#[test]
fn a_state_saved_on_another_thread_goes_on_with_the_same_bits() {
    let expected = train(|step| step());
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = trainer();
    for step in 0..STEPS {
        elsewhere(|| trainer.step(pixels(step), &LABELS).unwrap());
        elsewhere(|| trainer.save_state(folder.path()).unwrap());
        trainer = Trainer::load_state(folder.path()).unwrap();
    }
    assert!(bytes(trainer.net()) == expected);
}

fn block() -> ConvBlock {
    ConvBlockConfig::new(2, 4).init(&Device::flex().autodiff(), 3).unwrap()
}

fn images(seed: u64) -> Tensor<4> {
    let data = TensorData::new(normal(2 * 2 * 8 * 8, seed), [2, 2, 8, 8]);
    Tensor::from_data(data, &Device::flex().autodiff())
}

/// The running mean and variance.
fn statistics(block: &ConvBlock) -> [Vec<f32>; 2] {
    let norm = block.norm.as_ref().unwrap();
    [&norm.running_mean, &norm.running_var].map(|statistic| values(statistic.val()))
}

#[test]
fn a_clone_goes_its_own_way() {
    let block = block();
    block.forward(images(1));
    let (clone, valid) = (block.clone(), block.valid());
    let then = statistics(&block);
    assert_eq!(statistics(&clone), then);
    assert_eq!(statistics(&valid), then);
    block.forward(images(2));
    let now = statistics(&block);
    assert_ne!(now, then);
    assert_eq!(statistics(&clone), then);
    assert_eq!(statistics(&valid), then);
    clone.forward(images(2));
    assert_eq!(statistics(&clone), now, "the same passes give the same");
    valid.forward(images(3).inner());
    assert_eq!(statistics(&valid), then, "evaluation moves nothing");
}

#[test]
fn passes_at_the_same_time_are_all_counted() {
    let (one_by_one, together) = (block(), block());
    let passes = 8;
    for _ in 0..2 * passes {
        one_by_one.forward(images(4));
    }
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..passes).for_each(|_| drop(together.forward(images(4)))));
        }
    });
    assert_eq!(statistics(&together), statistics(&one_by_one));
}

#[test]
fn optimizers_keep_the_statistics_and_never_train_them() {
    let mut block = block().unfreeze();
    let mut optimizer = AdamW::new().init();
    for step in 0..3 {
        let loss = block.forward(images(step)).powf_scalar(2.0).mean();
        let before = statistics(&block);
        let grads = GradientsParams::from_grads(loss.backward(), &block);
        block = optimizer.step(0.1, block, grads);
        assert_eq!(statistics(&block), before);
    }
    let norm = block.norm.as_ref().unwrap();
    assert!(!norm.running_mean.val().is_require_grad() && norm.weight.is_require_grad());
    // A module that evaluated trains again.
    let again = block.valid().train();
    again.forward(images(7));
    block.forward(images(7));
    assert_eq!(statistics(&again), statistics(&block));
}

#[test]
fn a_network_from_a_device_without_gradients_trains() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    config().init(&Device::flex()).unwrap().save(&path).unwrap();
    let expected = {
        let mut trainer = trainer();
        trainer.step(pixels(0), &LABELS).unwrap();
        bytes(trainer.net())
    };
    for device in [Device::flex(), Device::flex().autodiff()] {
        let mut trainer = Trainer::from_net(ConvNet::load(&path, &device).unwrap(), AdamW::new()).unwrap();
        trainer.step(pixels(0), &LABELS).unwrap();
        assert!(bytes(trainer.net()) == expected, "a network loaded on {device:?}");
    }
}
