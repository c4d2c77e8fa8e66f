//! Scaled dot-product attention.

use std::sync::Arc;

use adact_kernels::Buffer;
use adact_kernels::attention::{self, AttentionSpec};
use burn::backend::flex::FlexTensor;
use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor};

use super::autocast::precision;
use super::buffer::{self, WORKSPACE};
use super::fused::{self, Operation, is_fused};
use super::layout::Arranged;

/// Attention of several heads over queries, keys and values side by side: (batch, length, 3 dim) to (batch, length, dim).
///
/// # Panics
/// If the last dimension isn't three times a multiple of the heads.
pub(crate) fn attention(qkv: Tensor<3>, heads: usize, causal: bool) -> Tensor<3> {
    let [batch, context, width] = qkv.dims();
    assert!(
        heads > 0 && width.is_multiple_of(3 * heads),
        "{width} numbers a token are no queries, keys and values of {heads} heads"
    );
    let head_dim = width / (3 * heads);
    if !is_fused(&qkv) {
        return composed(qkv, [batch, context, heads, head_dim], causal);
    }
    let spec = AttentionSpec { batch, context, heads, head_dim, causal, precision: precision() };
    fused::run([qkv.into_dispatch()], Arc::new(Attend(spec)))
}

fn composed(qkv: Tensor<3>, [batch, context, heads, head_dim]: [usize; 4], causal: bool) -> Tensor<3> {
    let parts = qkv.reshape([batch, context, 3, heads, head_dim]);
    let [q, k, v] = [0, 1, 2].map(|part| {
        parts.clone().narrow(2, part, 1).reshape([batch, context, heads, head_dim]).swap_dims(1, 2)
    });
    let mut scores = q.matmul(k.transpose()) / (head_dim as f64).sqrt();
    if causal {
        let position = Tensor::<1, Int>::arange(0..context as i64, &scores.device());
        let later =
            position.clone().reshape([1, 1, 1, context]).greater(position.reshape([1, 1, context, 1]));
        scores = scores.mask_fill(later.expand([batch, heads, context, context]), f32::NEG_INFINITY);
    }
    softmax(scores, 3).matmul(v).swap_dims(1, 2).reshape([batch, context, heads * head_dim])
}

struct Attend(AttentionSpec);

/// What the gradient needs: queries, keys and values, the output, and a number for each query.
struct Saved {
    qkv: Arranged,
    out: FlexTensor,
    log_sums: Buffer,
}

impl Operation<1> for Attend {
    type Saved = Saved;

    fn forward(&self, [qkv]: [FlexTensor; 1], keep: bool) -> (FlexTensor, Option<Saved>) {
        let qkv = Arranged::row_major(qkv);
        let attention::Forward { out, log_sums } = attention::forward(&WORKSPACE, &self.0, qkv.values());
        let out = buffer::tensor(out, [self.0.batch, self.0.context, self.0.dim()]);
        (out.clone(), keep.then_some(Saved { qkv, out, log_sums }))
    }

    fn backward(&self, saved: &Saved, dy: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let Saved { qkv, out, log_sums } = saved;
        let dy = Arranged::row_major(dy);
        let dqkv =
            attention::backward(&WORKSPACE, &self.0, qkv.values(), out.storage(), log_sums, dy.values());
        [Some(qkv.like(dqkv))]
    }
}
