//! The convolution and its gradients against the definition in f64, on every path.

mod common;

use adact_kernels::{ConvSpec, Workspace, conv};
use common::*;

/// Shapes of the paper's network on 32, 28 and 48 pixels, and others that are no multiple of anything.
fn shapes() -> Vec<ConvSpec> {
    let mut shapes: Vec<ConvSpec> = [
        (2, (32, 32), 3, 32),
        (2, (28, 28), 1, 32),
        (2, (16, 16), 32, 64),
        (3, (14, 14), 32, 64),
        (3, (7, 7), 64, 128),
        (5, (3, 3), 128, 256),
        (7, (4, 4), 128, 256),
        (64, (4, 4), 64, 80),
        (64, (7, 6), 80, 64),
        (3, (12, 12), 64, 128),
        (2, (6, 6), 128, 256),
        (1, (1, 1), 16, 16),
        (2, (5, 9), 16, 48),
        (2, (5, 9), 7, 21),
        (1, (2, 2), 16, 80),
        // images of several strips
        (2, (37, 50), 16, 32),
        (1, (130, 18), 32, 16),
        (2, (9, 150), 16, 16),
    ]
    .map(|(n, side, input, out)| ConvSpec::same3x3(n, side, input, out))
    .into();
    for (kernel, stride, padding) in [
        (1, 1, 0),
        (1, 2, 0),
        (3, 2, 1),
        (3, 1, 0),
        (5, 1, 2),
        (5, 3, 1),
        (2, 2, 0),
        (3, 4, 2),
        (1, 2, 3),
        (4, 3, 3),
        (7, 2, 3),
    ] {
        for (input, out) in [(16, 32), (3, 5)] {
            shapes.push(ConvSpec {
                batch: 2,
                height: 9,
                width: 8,
                in_channels: input,
                out_channels: out,
                kernel,
                stride,
                padding,
            });
        }
    }
    shapes
}

#[test]
fn forward_and_backward_agree_with_the_definition() {
    let ws = Workspace::new();
    for (i, s) in shapes().iter().enumerate() {
        let seed = 10 * i as u64;
        let scale = (2.0 / (s.in_channels * s.kernel * s.kernel) as f32).sqrt();
        let x = normal(seed, s.batch * s.in_image());
        let w: Vec<f32> = normal(seed + 1, s.weights()).iter().map(|v| v * scale).collect();
        let bias = normal(seed + 2, s.out_channels);
        let dy = normal(seed + 3, s.batch * s.out_image());
        let y = conv::forward(&ws, s, &x, &w, Some(&bias));
        let error = relative_error(&y, &conv_f64(s, &wide(&x), &wide(&w), &wide(&bias)));
        assert!(error < 2e-5, "{s:?}: y {error}");
        let grads = conv::backward(&ws, s, &x, &w, &dy, true);
        let (dx, dw) = conv_backward_f64(s, &wide(&x), &wide(&w), &wide(&dy));
        let errors = (relative_error(grads.dx.as_ref().unwrap(), &dx), relative_error(&grads.weight, &dw));
        assert!(errors.0 < 2e-5 && errors.1 < 2e-5, "{s:?}: dx {}, dw {}", errors.0, errors.1);
        println!("{s:?}: y {error:.1e}, dx {:.1e}, dw {:.1e}", errors.0, errors.1);
        let mut sums = vec![0.0; s.out_channels];
        dy.iter().enumerate().for_each(|(i, &d)| sums[i % s.out_channels] += f64::from(d));
        assert!(relative_error(&grads.bias, &sums) < 1e-6);
    }
}

#[test]
fn the_bits_are_the_same_on_every_path_and_with_any_threads() {
    let shapes = [
        ConvSpec::same3x3(9, (16, 16), 32, 64),
        ConvSpec::same3x3(9, (7, 7), 64, 128),
        ConvSpec::same3x3(9, (10, 10), 3, 32),
        ConvSpec::same3x3(40, (4, 4), 112, 96),
        ConvSpec::same3x3(3, (41, 34), 16, 32),
        ConvSpec {
            batch: 3,
            height: 9,
            width: 8,
            in_channels: 5,
            out_channels: 21,
            kernel: 3,
            stride: 2,
            padding: 1,
        },
    ];
    let ws = Workspace::new();
    same_bits_everywhere(|| {
        let mut out = Vec::new();
        for s in &shapes {
            let (x, w) = (normal(1, s.batch * s.in_image()), normal(2, s.weights()));
            let (bias, dy) = (normal(3, s.out_channels), normal(4, s.batch * s.out_image()));
            out.push(conv::forward(&ws, s, &x, &w, Some(&bias)).to_vec());
            let grads = conv::backward(&ws, s, &x, &w, &dy, true);
            out.extend([grads.dx.unwrap().to_vec(), grads.weight, grads.bias]);
        }
        out
    });
}

#[test]
fn nan_reaches_the_output() {
    let ws = Workspace::new();
    for s in [ConvSpec::same3x3(1, (8, 8), 16, 16), ConvSpec::same3x3(1, (8, 8), 3, 16)] {
        let mut x = vec![1.0; s.in_image()];
        x[0] = f32::NAN;
        assert!(conv::forward(&ws, &s, &x, &vec![1.0; s.weights()], None)[0].is_nan());
    }
}
