//! Every public function refuses arguments that don't fit each other, and says which one.

use adact_kernels::adamw::AdamW;
use adact_kernels::attention::{self, AttentionSpec};
use adact_kernels::block::{self, BlockParams, BlockSpec, Saved};
use adact_kernels::channels::{self, ChannelSpec};
use adact_kernels::conv_transpose::{self, ConvTransposeSpec};
use adact_kernels::linear::{self, LinearParams};
use adact_kernels::pool::{self, MapSpec};
use adact_kernels::random::{Purpose, Stream};
use adact_kernels::sgd::Sgd;
use adact_kernels::simd::{self, Path};
use adact_kernels::{
    Activation, ConvSpec, Function, Precision, Workspace, conv, elementwise, embedding, layer_norm, loss,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Checks that `f` panics with a message that contains every one of `parts`.
fn refuses<T>(parts: &[&str], f: impl FnOnce() -> T) {
    let panic = catch_unwind(AssertUnwindSafe(f)).err();
    let panic = panic.unwrap_or_else(|| panic!("accepted instead of '{parts:?}'"));
    let message = panic.downcast_ref::<String>().cloned();
    let message = message.or_else(|| panic.downcast_ref::<&str>().map(|m| m.to_string()));
    let message = message.expect("a message");
    assert!(parts.iter().all(|part| message.contains(part)), "'{message}' instead of '{parts:?}'");
}

/// As [`refuses`], for an argument that has each of some wrong lengths.
fn refuses_lengths(argument: &str, right: usize, f: impl Fn(&mut [f32])) {
    for wrong in [0, 1, right - 1, right + 1, 2 * right] {
        let message = format!("{argument} has {wrong} values instead of {right}");
        refuses(&[&message], || f(&mut vec![0.5; wrong]));
    }
}

const CONVOLUTIONS: [fn() -> ConvSpec; 3] = [
    || ConvSpec::same3x3(3, (6, 5), 3, 20),   // direct
    || ConvSpec::same3x3(12, (8, 8), 16, 16), // Winograd, by images
    || ConvSpec::same3x3(3, (4, 4), 32, 48),  // Winograd, by channels
];

#[test]
fn elementwise_functions() {
    let f = Function::mixture(Activation::PAPER, &[0.1; 7]);
    let x = [0.5; 100];
    refuses_lengths("y", 100, |y| elementwise::forward(&f, &x, y));
    refuses_lengths("dy", 100, |dy| drop(elementwise::backward(&f, &x, dy, &mut [0.0; 100])));
    refuses_lengths("dx", 100, |dx| drop(elementwise::backward(&f, &x, &x, dx)));
    for count in [0, 6, 8] {
        let shares = vec![0.1; count];
        let f = Function::mixture(Activation::PAPER, &shares);
        refuses(&["one share a candidate"], || elementwise::forward(&f, &x, &mut [0.0; 100]));
    }
    let many = [Activation::Relu; 33];
    let f = Function::mixture(&many, &[0.0; 33]);
    refuses(&["at most 32 candidates"], || elementwise::forward(&f, &x, &mut [0.0; 100]));
    let f = Function { candidates: &many, ..Function::single(&Activation::Relu) };
    refuses(&["several candidates"], || elementwise::forward(&f, &x, &mut [0.0; 100]));
    let f = Function { candidates: &[], ..f };
    refuses(&["at least one activation"], || elementwise::forward(&f, &x, &mut [0.0; 100]));
}

#[test]
fn the_optimizers() {
    let sgd = Sgd::default();
    refuses_lengths("grad", 100, |grad| sgd.step(1, &mut [0.5; 100], grad, &mut [0.0; 100]));
    refuses_lengths("buffer", 100, |buffer| sgd.step(1, &mut [0.5; 100], &[0.0; 100], buffer));
    refuses(&["the first step is 1"], || sgd.step(0, &mut [], &[], &mut []));

    let adamw = AdamW::default();
    let step = |grad: &[f32], m: &mut [f32], v: &mut [f32]| adamw.step(1, &mut [0.5; 100], grad, m, v);
    refuses_lengths("grad", 100, |grad| step(grad, &mut [0.0; 100], &mut [0.0; 100]));
    refuses_lengths("m", 100, |m| step(&[0.0; 100], m, &mut [0.0; 100]));
    refuses_lengths("v", 100, |v| step(&[0.0; 100], &mut [0.0; 100], v));
    refuses(&["the first step is 1"], || adamw.step(0, &mut [], &[], &mut [], &mut []));
}

#[test]
fn the_linear_layer() {
    let ws = Workspace::new();
    let (x, weight, bias, rows) = ([0.5; 4 * 20], [0.5; 30 * 20], [0.5; 30], [0.5; 4 * 30]);
    let function = Some(Function::single(&Activation::Mish));
    let right = LinearParams {
        inputs: 20,
        outputs: 30,
        weight: &weight,
        bias: Some(&bias),
        function,
        precision: Precision::F32,
    };
    // both passes of a layer
    let each = |params: &LinearParams<'_>, x: &[f32], message: &str| {
        refuses(&[message], || drop(linear::forward(&ws, params, x, None)));
        refuses(&[message], || drop(linear::forward_eval(&ws, params, x, None)));
        refuses(&[message], || drop(linear::backward(&ws, params, x, Some(&rows), &rows, true)));
    };
    each(&right, &[0.5; 81], "x has 81 values instead of 80");
    for wrong in [0, 1, 599, 601, 1200] {
        let weight = vec![0.5; wrong];
        each(
            &LinearParams { weight: &weight, ..right },
            &x,
            &format!("weight has {wrong} values instead of 600"),
        );
    }
    each(&LinearParams { bias: Some(&[0.5; 31]), ..right }, &x, "bias has 31 values instead of 30");
    each(&LinearParams { outputs: 0, weight: &[], ..right }, &x, "at least one input and one output");
    each(&LinearParams { inputs: 0, weight: &[], ..right }, &[], "at least one input and one output");
    let too_large = LinearParams { outputs: usize::MAX, ..right };
    each(&too_large, &x, "weight has 600 values instead of");
    refuses_lengths("residual", 120, |residual| drop(linear::forward(&ws, &right, &x, Some(residual))));
    refuses_lengths("residual", 120, |residual| drop(linear::forward_eval(&ws, &right, &x, Some(residual))));
    refuses_lengths("dy", 120, |dy| drop(linear::backward(&ws, &right, &x, Some(&rows), dy, true)));
    refuses_lengths("z", 120, |z| drop(linear::backward(&ws, &right, &x, Some(z), &rows, true)));
    refuses(&["needs the z"], || drop(linear::backward(&ws, &right, &x, None, &rows, true)));

    // no rows are rows too
    let forward = linear::forward(&ws, &right, &[], Some(&[]));
    assert!(forward.y.is_empty() && forward.z.is_some_and(|z| z.is_empty()));
    let grads = linear::backward(&ws, &right, &[], Some(&[]), &[], true);
    assert!(grads.dx.is_some_and(|dx| dx.is_empty()));
    assert_eq!((&grads.weight[..], grads.bias), (&[0.0; 600][..], Some(vec![0.0; 30])));
}

#[test]
fn the_loss() {
    refuses_lengths("logits", 30, |logits| {
        loss::cross_entropy(logits, &[0; 10], 3, &mut [0.0; 30], None);
    });
    refuses_lengths("dlogits", 30, |dlogits| {
        loss::cross_entropy(&[0.0; 30], &[0; 10], 3, dlogits, None);
    });
    for label in [-1, 3, i32::MIN, i32::MAX] {
        let message = format!("label {label} is none of 3 classes");
        refuses(&[&message], || loss::cross_entropy(&[0.0; 3], &[label], 3, &mut [0.0; 3], None));
    }
    refuses(&["at least one class"], || loss::cross_entropy(&[], &[], 0, &mut [], None));
    for wrong in [0, 8, 10] {
        let message = format!("confusion has {wrong} values instead of 9");
        let mut confusion = vec![0; wrong];
        refuses(&[&message], || {
            loss::cross_entropy(&[0.0; 3], &[1], 3, &mut [0.0; 3], Some(&mut confusion));
        });
    }
    assert_eq!(loss::argmax(&[]), 0);
}

#[test]
fn convolutions() {
    let ws = Workspace::new();
    for spec in CONVOLUTIONS.map(|spec| spec()) {
        let (x, weight) = (vec![0.5; spec.batch * spec.in_image()], vec![0.5; spec.weights()]);
        let (bias, dy) = (vec![0.5; spec.out_channels], vec![0.5; spec.batch * spec.out_image()]);
        let forward =
            |x: &[f32], weight: &[f32], bias: &[f32]| drop(conv::forward(&ws, &spec, x, weight, Some(bias)));
        refuses_lengths("x", x.len(), |x| forward(x, &weight, &bias));
        refuses_lengths("weight", weight.len(), |weight| forward(&x, weight, &bias));
        refuses_lengths("bias", bias.len(), |bias| forward(&x, &weight, bias));
        for need_dx in [false, true] {
            let backward = |x: &[f32], weight: &[f32], dy: &[f32]| {
                drop(conv::backward(&ws, &spec, x, weight, dy, need_dx))
            };
            refuses_lengths("x", x.len(), |x| backward(x, &weight, &dy));
            refuses_lengths("weight", weight.len(), |weight| backward(&x, weight, &dy));
            refuses_lengths("dy", dy.len(), |dy| backward(&x, &weight, dy));
        }
    }
}

#[test]
fn shapes_that_are_none() {
    let ws = Workspace::new();
    let right = ConvSpec::same3x3(2, (8, 8), 16, 16);
    let all_refuse = |spec: ConvSpec, message: &str| {
        let block = BlockSpec { conv: spec, pool: true, eps: 1e-5 };
        let bias = [0.0; 16];
        let params =
            BlockParams { weight: &[], bias: &bias, gamma_beta: None, residual: None, function: None };
        refuses(&[message], || drop(conv::forward(&ws, &spec, &[], &[], None)));
        refuses(&[message], || drop(conv::backward(&ws, &spec, &[], &[], &[], true)));
        refuses(&[message], || drop(block::forward(&ws, &block, &[], &params)));
        refuses(&[message], || drop(block::forward_eval(&ws, &block, &[], &params, &[], &[])));
        refuses(&[message], || drop(block::backward(&ws, &block, &[], &params, &a_saved(&ws), &[], true)));
    };
    for spec in [
        ConvSpec { batch: 0, ..right },
        ConvSpec { height: 0, ..right },
        ConvSpec { width: 0, ..right },
        ConvSpec { in_channels: 0, ..right },
        ConvSpec { out_channels: 0, ..right },
        ConvSpec { kernel: 0, ..right },
        ConvSpec { stride: 0, ..right },
    ] {
        all_refuse(spec, "can be 0");
    }
    all_refuse(ConvSpec { kernel: 11, ..right }, "smaller than the kernel");
    all_refuse(ConvSpec { width: 1, kernel: 5, ..right }, "smaller than the kernel");
    // sizes whose products are beyond a machine word, and would come out as small ones
    let half = 1 << (usize::BITS / 2);
    all_refuse(ConvSpec { height: half, width: half, ..right }, "too large");
    all_refuse(ConvSpec { batch: half, in_channels: half, ..right }, "too large");
    all_refuse(ConvSpec { in_channels: half, out_channels: half, ..right }, "too large");
    all_refuse(ConvSpec { padding: half, ..right }, "too large");
    all_refuse(ConvSpec { padding: usize::MAX, ..right }, "too large");

    let flat = ConvSpec::same3x3(2, (1, 8), 3, 4);
    let (x, weight) = (vec![0.5; 2 * flat.in_image()], vec![0.5; flat.weights()]);
    let params =
        BlockParams { weight: &weight, bias: &[0.0; 4], gamma_beta: None, residual: None, function: None };
    let block = BlockSpec { conv: flat, pool: true, eps: 1e-5 };
    refuses(&["2 x 2 pooling"], || drop(block::forward(&ws, &block, &x, &params)));
    refuses(&["2 x 2 pooling"], || drop(block::forward_eval(&ws, &block, &x, &params, &[], &[])));
}

/// What some forward pass kept.
fn a_saved(ws: &Workspace) -> Saved {
    let conv = ConvSpec::same3x3(1, (4, 4), 1, 2);
    let params =
        BlockParams { weight: &[0.5; 18], bias: &[0.0; 2], gamma_beta: None, residual: None, function: None };
    block::forward(ws, &BlockSpec { conv, pool: false, eps: 1e-5 }, &[0.5; 16], &params).saved
}

#[test]
fn blocks() {
    let ws = Workspace::new();
    for conv in CONVOLUTIONS.map(|spec| spec()) {
        for pool in [false, true] {
            check_block(&ws, &BlockSpec { conv, pool, eps: 1e-5 });
        }
    }
}

type Pass<'a> = &'a dyn Fn(&[f32], &BlockParams<'_>);

fn check_block(ws: &Workspace, spec: &BlockSpec) {
    let (conv, channels) = (&spec.conv, spec.conv.out_channels);
    let (x, weight) = (vec![0.5; conv.batch * conv.in_image()], vec![0.5; conv.weights()]);
    let vector = vec![0.5; channels];
    let right = BlockParams {
        weight: &weight,
        bias: &vector,
        gamma_beta: Some((&vector, &vector)),
        residual: None,
        function: Some(Function::single(&Activation::Mish)),
    };
    let dout = vec![0.5; conv.batch * spec.out_image()];
    let saved = block::forward(ws, spec, &x, &right).saved;

    // images and parameters, in all three
    let each = |argument: &str, len: usize, f: &dyn Fn(&[f32], Pass<'_>)| {
        let passes: [Pass<'_>; 3] = [
            &|x, params| drop(block::forward(ws, spec, x, params)),
            &|x, params| drop(block::forward_eval(ws, spec, x, params, &vector, &vector)),
            &|x, params| drop(block::backward(ws, spec, x, params, &saved, &dout, true)),
        ];
        for pass in passes {
            refuses_lengths(argument, len, |wrong| f(wrong, pass));
        }
    };
    each("x", x.len(), &|wrong, pass| pass(wrong, &right));
    each("weight", weight.len(), &|weight, pass| pass(&x, &BlockParams { weight, ..right }));
    // no bias is none; any other number of them is wrong
    for wrong in [1, channels - 1, channels + 1] {
        let wrong_bias = vec![0.5; wrong];
        let params = BlockParams { bias: &wrong_bias, ..right };
        let message = format!("bias has {wrong} values instead of {channels}");
        refuses(&[&message], || drop(block::forward(ws, spec, &x, &params)));
        refuses(&[&message], || drop(block::forward_eval(ws, spec, &x, &params, &vector, &vector)));
        refuses(&[&message], || drop(block::backward(ws, spec, &x, &params, &saved, &dout, true)));
    }
    let residual = vec![0.5; conv.batch * conv.out_image()];
    if spec.pool {
        let summed = BlockParams { residual: Some(&residual), ..right };
        let message = "a block with a residual sum doesn't pool";
        refuses(&[message], || drop(block::forward(ws, spec, &x, &summed)));
        refuses(&[message], || drop(block::forward_eval(ws, spec, &x, &summed, &vector, &vector)));
        refuses(&[message], || drop(block::backward(ws, spec, &x, &summed, &saved, &dout, true)));
    } else {
        each("residual", residual.len(), &|r, pass| {
            pass(&x, &BlockParams { residual: Some(r), ..right });
        });
    }
    each("gamma", channels, &|g, pass| pass(&x, &BlockParams { gamma_beta: Some((g, &vector)), ..right }));
    each("beta", channels, &|b, pass| pass(&x, &BlockParams { gamma_beta: Some((&vector, b)), ..right }));

    // one pass's own
    refuses_lengths("running_mean", channels, |mean| {
        drop(block::forward_eval(ws, spec, &x, &right, mean, &vector));
    });
    refuses_lengths("running_var", channels, |var| {
        drop(block::forward_eval(ws, spec, &x, &right, &vector, var));
    });
    refuses_lengths("dout", dout.len(), |dout| {
        drop(block::backward(ws, spec, &x, &right, &saved, dout, true));
    });

    // what another call kept
    let refuses_saved = |saved: &Saved| {
        refuses(&["saved: ", "instead of"], || {
            drop(block::backward(ws, spec, &x, &right, saved, &dout, true));
        });
    };
    let without_norm = BlockParams { gamma_beta: None, ..right };
    refuses_saved(&a_saved(ws));
    refuses_saved(&block::forward(ws, spec, &x, &without_norm).saved);
    let other_pool = BlockSpec { pool: !spec.pool, ..*spec };
    refuses_saved(&block::forward(ws, &other_pool, &x, &right).saved);
    let fewer = BlockSpec { conv: ConvSpec { batch: conv.batch - 1, ..*conv }, ..*spec };
    refuses_saved(&block::forward(ws, &fewer, &x[conv.in_image()..], &right).saved);
    refuses(&["saved: the batch's mean"], || {
        drop(block::backward(ws, spec, &x, &without_norm, &saved, &dout, true));
    });
}

#[test]
fn random_numbers_and_paths() {
    let stream = Stream::new(0, Purpose::Shuffle, 0);
    refuses(&["below(0)"], || stream.below(0, 0));
    #[cfg(target_pointer_width = "64")]
    refuses(&["32 bits"], || drop(stream.permutation((1 << 32) + 1)));
    for path in [Path::Portable, Path::Avx2, Path::Avx512].into_iter().filter(|path| !path.is_available()) {
        refuses(&["this processor has no", path.name()], || simd::force(path));
    }
}

#[test]
fn attentions() {
    let (ws, mut s) = (
        Workspace::new(),
        AttentionSpec {
            batch: 2,
            context: 5,
            heads: 2,
            head_dim: 3,
            causal: true,
            precision: Precision::F32,
        },
    );
    let (qkv, out, sums) = (vec![0.5; 180], vec![0.5; 60], vec![0.5; 20]);
    refuses_lengths("qkv", 180, |qkv| drop(attention::forward(&ws, &s, qkv)));
    refuses_lengths("qkv", 180, |qkv| drop(attention::backward(&ws, &s, qkv, &out, &sums, &out)));
    refuses_lengths("out", 60, |out| drop(attention::backward(&ws, &s, &qkv, out, &sums, &[0.5; 60])));
    refuses_lengths("log_sums", 20, |sums| drop(attention::backward(&ws, &s, &qkv, &out, sums, &out)));
    refuses_lengths("dout", 60, |dout| drop(attention::backward(&ws, &s, &qkv, &out, &sums, dout)));
    s.heads = 0;
    refuses(&["without elements"], || attention::forward(&ws, &s, &[]));
}

#[test]
fn layer_norms() {
    let (ws, row, x, rows) = (Workspace::new(), [0.5; 7], [0.5; 21], [0.5; 3]);
    refuses_lengths("beta", 7, |beta| drop(layer_norm::forward(&ws, &x, &row, beta, 1e-5)));
    refuses(&["gamma has no values"], || layer_norm::forward(&ws, &x, &[], &[], 1e-5));
    refuses(&["x has 22 values instead of 21"], || layer_norm::forward(&ws, &[0.5; 22], &row, &row, 1e-5));
    refuses_lengths("mean", 3, |mean| drop(layer_norm::backward(&ws, &x, &row, mean, &rows, &x)));
    refuses_lengths("rstd", 3, |rstd| drop(layer_norm::backward(&ws, &x, &row, &rows, rstd, &x)));
    refuses_lengths("dy", 21, |dy| drop(layer_norm::backward(&ws, &x, &row, &rows, &rows, dy)));
}

#[test]
fn embeddings() {
    let mut table = [0.5; 8];
    refuses_lengths("rows", 6, |rows| embedding::forward(&[0.5; 8], 2, &[3, 0, 1], rows));
    refuses_lengths("rows", 6, |rows| embedding::backward(&mut [0.5; 8], 2, &[3, 0, 1], rows));
    refuses(&["table has 7 values instead of 6"], || embedding::forward(&[0.5; 7], 2, &[0], &mut [0.0; 2]));
    refuses(&["at least one dimension"], || embedding::forward(&[], 0, &[], &mut []));
    for index in [4, -1, i32::MAX] {
        refuses(&[&format!("index {index} is beyond")], || {
            embedding::backward(&mut table, 2, &[index], &[0.5; 2])
        });
    }
}

#[test]
fn functions_by_channel() {
    let spec = ChannelSpec { outer: 4, channels: 2, inner: 3 };
    let (functions, x) = ([Function::single(&Activation::Mish); 2], [0.5; 24]);
    refuses_lengths("x", 24, |x| channels::forward(&spec, &functions, x, &mut [0.0; 24]));
    refuses_lengths("y", 24, |y| channels::forward(&spec, &functions, &x, &mut y.to_vec()));
    refuses_lengths("dy", 24, |dy| drop(channels::backward(&spec, &functions, &x, dy, &mut [0.0; 24])));
    refuses_lengths("dx", 24, |dx| drop(channels::backward(&spec, &functions, &x, &x, &mut dx.to_vec())));
    let one = [functions[0]];
    refuses(&["one function a channel"], || channels::forward(&spec, &one, &x, &mut [0.0; 24]));
    let none = ChannelSpec { channels: 0, ..spec };
    refuses(&["at least one channel"], || channels::forward(&none, &[], &[], &mut []));
    let large = ChannelSpec { outer: usize::MAX, ..spec };
    refuses(&["can be counted"], || channels::forward(&large, &functions, &x, &mut [0.0; 24]));
}

#[test]
fn transposed_convolutions() {
    let ws = Workspace::new();
    let s = ConvTransposeSpec {
        batch: 2,
        height: 3,
        width: 2,
        in_channels: 5,
        out_channels: 4,
        kernel: 2,
        kept_channels: 3,
    };
    let (x, weight, bias) = (vec![0.5; 60], vec![0.5; 80], vec![0.5; 4]);
    let (kept, dy) = (vec![0.5; 144], vec![0.5; 336]);
    let forward = |s: &ConvTransposeSpec, x: &[f32], weight: &[f32], bias: &[f32], kept: &[f32]| {
        drop(conv_transpose::forward(&ws, s, x, weight, Some(bias), kept));
    };
    let backward = |s: &ConvTransposeSpec, x: &[f32], weight: &[f32], dy: &[f32]| {
        drop(conv_transpose::backward(&ws, s, x, weight, dy, true));
    };
    refuses_lengths("x", 60, |x| forward(&s, x, &weight, &bias, &kept));
    refuses_lengths("weight", 80, |weight| forward(&s, &x, weight, &bias, &kept));
    refuses_lengths("bias", 4, |bias| forward(&s, &x, &weight, bias, &kept));
    refuses_lengths("kept", 144, |kept| forward(&s, &x, &weight, &bias, kept));
    refuses_lengths("x", 60, |x| backward(&s, x, &weight, &dy));
    refuses_lengths("weight", 80, |weight| backward(&s, &x, weight, &dy));
    refuses_lengths("dy", 336, |dy| backward(&s, &x, &weight, dy));
    let half = 1 << (usize::BITS / 2);
    for (wrong, message) in [
        (ConvTransposeSpec { batch: 0, ..s }, "can be 0"),
        (ConvTransposeSpec { kernel: 0, ..s }, "can be 0"),
        (ConvTransposeSpec { height: half, width: half, ..s }, "too large"),
        (ConvTransposeSpec { in_channels: half, kept_channels: half, ..s }, "too large"),
        (ConvTransposeSpec { kernel: half, ..s }, "too large"),
    ] {
        refuses(&[message], || forward(&wrong, &[], &[], &bias, &[]));
        refuses(&[message], || backward(&wrong, &[], &[], &[]));
    }
}

#[test]
fn pooling() {
    let ws = Workspace::new();
    let map = MapSpec { batch: 2, height: 5, width: 4, channels: 3 };
    refuses_lengths("x", 120, |x| drop(pool::max_pool(&ws, &map, x)));
    refuses_lengths("x", 120, |x| drop(pool::mean_pool(&ws, &map, x)));
    refuses_lengths("dy", 24, |dy| drop(pool::max_pool_backward(&ws, &map, &[0; 24], dy)));
    refuses_lengths("dy", 6, |dy| drop(pool::mean_pool_backward(&ws, &map, dy)));
    refuses(&["winners has 25 values instead of 24"], || {
        pool::max_pool_backward(&ws, &map, &[0; 25], &[0.5; 24])
    });
    let flat = MapSpec { height: 1, ..map };
    refuses(&["2 x 2 pixels at least"], || pool::max_pool(&ws, &flat, &[0.5; 24]));
    refuses(&["2 x 2 pixels at least"], || pool::max_pool_backward(&ws, &flat, &[], &[]));
    let none = MapSpec { batch: 0, ..map };
    refuses(&["1 x 1 pixels at least"], || pool::mean_pool(&ws, &none, &[]));
    let half = 1 << (usize::BITS / 2);
    let large = MapSpec { height: half, width: half, ..map };
    refuses(&["too large"], || pool::max_pool(&ws, &large, &[]));
    refuses(&["too large"], || pool::mean_pool_backward(&ws, &large, &[]));
}
