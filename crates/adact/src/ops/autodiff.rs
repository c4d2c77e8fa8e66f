//! The gradients of the fused operations.

use std::sync::Arc;

use adact_kernels::block::{self, Saved};
use adact_kernels::loss::Loss;
use adact_kernels::{ConvSpec, conv, elementwise};
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};

use super::FunctionSpec;
use super::block::{BlockInputs, BlockOutputs, BlockSpec};
use super::buffer::WORKSPACE;
use super::flex::{Block, FusedOps, Linear, apply, convolve, loss_and_gradient, vector};
use super::layout::{Arranged, CHANNELS_LAST, from_channels_last};

type Tracked = FloatTensor<Autodiff<Flex>>;

impl<C: CheckpointStrategy> FusedOps for Autodiff<Flex, C> {
    fn function(x: Tracked, w: Tracked, slope: Tracked, spec: FunctionSpec) -> Tracked {
        let prepared = FunctionBackward.prepare::<C>([x.node(), w.node(), slope.node()]);
        let (x, w, slope) = (x.into_primitive(), w.into_primitive(), slope.into_primitive());
        match prepared.compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(Flex::function(x, w, slope, spec)),
            OpsKind::Tracked(prep) => {
                let x = Arranged::as_it_lies(x);
                let (w, slope) = (Arranged::row_major(w), Arranged::row_major(slope));
                let y = apply(&x, &w, &slope, &spec);
                prep.finish(FunctionState { x, w, slope, spec }, y)
            }
        }
    }

    fn conv2d(x: Tracked, weight: Tracked, bias: Tracked, spec: ConvSpec) -> Tracked {
        let prepared = ConvBackward.prepare::<C>([x.node(), weight.node(), bias.node()]);
        let (x, weight, bias) = (x.into_primitive(), weight.into_primitive(), bias.into_primitive());
        match prepared.compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(Flex::conv2d(x, weight, bias, spec)),
            OpsKind::Tracked(prep) => {
                let (x, weight) = (Arranged::new(x, &CHANNELS_LAST), Arranged::row_major(weight));
                let y = convolve(&x, &weight, &Arranged::row_major(bias), &spec);
                prep.finish(ConvState { x, weight, spec }, y)
            }
        }
    }

    fn conv_block(t: BlockInputs<Self>, spec: BlockSpec) -> BlockOutputs<Self> {
        let nodes = [&t.x, &t.weight, &t.bias, &t.gamma, &t.beta, &t.w, &t.slope].map(Tracked::node);
        let inputs = BlockInputs::<Flex> {
            x: t.x.into_primitive(),
            weight: t.weight.into_primitive(),
            bias: t.bias.into_primitive(),
            gamma: t.gamma.into_primitive(),
            beta: t.beta.into_primitive(),
            w: t.w.into_primitive(),
            slope: t.slope.into_primitive(),
            running_mean: t.running_mean.into_primitive(),
            running_var: t.running_var.into_primitive(),
        };
        let (y, mean, var) = match BlockBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => {
                let out = Flex::conv_block(inputs, spec);
                (prep.finish(out.y), out.mean, out.var)
            }
            OpsKind::Tracked(prep) => {
                let block = Block::new(inputs, spec);
                let (out, saved) = block.train();
                let state = BlockState { block, saved: SavedBlock(Arc::new(saved)) };
                (prep.finish(state, out.y), out.mean, out.var)
            }
        };
        BlockOutputs { y, mean: Tracked::new(mean), var: Tracked::new(var) }
    }

    fn linear(x: Tracked, weight: Tracked, bias: Tracked) -> Tracked {
        let prepared = LinearBackward.prepare::<C>([x.node(), weight.node(), bias.node()]);
        let linear = Linear::new(x.into_primitive(), weight.into_primitive(), bias.into_primitive());
        let y = linear.forward();
        match prepared.compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(y),
            OpsKind::Tracked(prep) => prep.finish(linear, y),
        }
    }

    fn cross_entropy(logits: Tracked, labels: Arc<[i32]>) -> (Tracked, Loss) {
        let prepared = LossBackward.prepare::<C>([logits.node()]);
        let logits = logits.into_primitive();
        match prepared.compute_bound().stateful() {
            OpsKind::UnTracked(prep) => {
                let (tensor, loss) = Flex::cross_entropy(logits, labels);
                (prep.finish(tensor), loss)
            }
            OpsKind::Tracked(prep) => {
                let layout = Arranged::row_major(logits.clone());
                let (tensor, loss, dlogits) = loss_and_gradient(logits, &labels);
                (prep.finish(layout.like(dlogits), tensor), loss)
            }
        }
    }
}

#[derive(Debug)]
struct FunctionBackward;

#[derive(Clone, Debug)]
struct FunctionState {
    x: Arranged,
    w: Arranged,
    slope: Arranged,
    spec: FunctionSpec,
}

impl Backward<Flex, 3> for FunctionBackward {
    type State = FunctionState;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let FunctionState { x, w, slope, spec } = ops.state;
        let dy = x.arrange(grads.consume::<Flex>(&ops.node));
        let mut dx = WORKSPACE.take(x.values().len());
        let function = spec.bind(w.values(), slope.values());
        let own = elementwise::backward(&function, x.values(), dy.values(), &mut dx);
        let [node_x, node_w, node_slope] = ops.parents;
        if let Some(node) = node_x {
            grads.register::<Flex>(node.id, x.like(dx));
        }
        if let Some(node) = node_w {
            grads.register::<Flex>(node.id, vector(own.w));
        }
        if let Some(node) = node_slope {
            grads.register::<Flex>(node.id, vector(vec![own.slope]));
        }
    }
}

#[derive(Debug)]
struct ConvBackward;

#[derive(Clone, Debug)]
struct ConvState {
    x: Arranged,
    weight: Arranged,
    spec: ConvSpec,
}

impl Backward<Flex, 3> for ConvBackward {
    type State = ConvState;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ConvState { x, weight, spec } = ops.state;
        let dy = Arranged::new(grads.consume::<Flex>(&ops.node), &CHANNELS_LAST);
        let [node_x, node_weight, node_bias] = ops.parents;
        let own =
            conv::backward(&WORKSPACE, &spec, x.values(), weight.values(), dy.values(), node_x.is_some());
        if let (Some(node), Some(dx)) = (node_x, own.dx) {
            let dims = [spec.height, spec.width, spec.in_channels];
            grads.register::<Flex>(node.id, from_channels_last(dx, spec.batch, dims));
        }
        if let Some(node) = node_weight {
            grads.register::<Flex>(node.id, weight.like(own.weight));
        }
        if let Some(node) = node_bias {
            grads.register::<Flex>(node.id, vector(own.bias));
        }
    }
}

#[derive(Debug)]
struct BlockBackward;

#[derive(Clone, Debug)]
struct BlockState {
    block: Block,
    saved: SavedBlock,
}

/// What the forward pass left for the gradient.
#[derive(Clone)]
struct SavedBlock(Arc<Saved>);

impl std::fmt::Debug for SavedBlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SavedBlock")
    }
}

impl Backward<Flex, 7> for BlockBackward {
    type State = BlockState;

    fn backward(self, ops: Ops<Self::State, 7>, grads: &mut Gradients, _: &mut Checkpointer) {
        let BlockState { block, saved } = ops.state;
        let dy = Arranged::new(grads.consume::<Flex>(&ops.node), &CHANNELS_LAST);
        let [node_x, weight, bias, gamma, beta, w, slope] = ops.parents;
        let need_dx = node_x.is_some();
        let own = block::backward(
            &WORKSPACE,
            &block.kernel,
            block.x.values(),
            &block.params(),
            &saved.0,
            dy.values(),
            need_dx,
        );
        if let (Some(node), Some(dx)) = (node_x, own.dx) {
            grads.register::<Flex>(node.id, block.x.like(dx));
        }
        if let Some(node) = weight {
            grads.register::<Flex>(node.id, block.weight.like(own.weight));
        }
        let vectors = [
            (bias, own.bias),
            (gamma, own.gamma),
            (beta, own.beta),
            (w, own.function.w),
            (slope, vec![own.function.slope]),
        ];
        for (node, gradient) in vectors {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, vector(gradient));
            }
        }
    }
}

#[derive(Debug)]
struct LinearBackward;

impl Backward<Flex, 3> for LinearBackward {
    type State = Linear;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = Arranged::row_major(grads.consume::<Flex>(&ops.node));
        for (node, gradient) in ops.parents.into_iter().zip(ops.state.backward(&dy)) {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct LossBackward;

impl Backward<Flex, 1> for LossBackward {
    /// The gradient of the logits for a loss whose own gradient is 1.
    type State = FlexTensor;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let scale = Arranged::row_major(grads.consume::<Flex>(&ops.node)).values()[0];
        let mut gradient = ops.state;
        if scale != 1.0 {
            gradient.storage_mut::<f32>().iter_mut().for_each(|g| *g *= scale);
        }
        if let [Some(node)] = ops.parents {
            grads.register::<Flex>(node.id, gradient);
        }
    }
}
