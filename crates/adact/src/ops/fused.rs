//! How an operation with a kernel of its own becomes one of Burn's: its values on the CPU backend, its gradients in
//! autodiff.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, Backend, BackendTensor, Dispatch, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind,
    ExtensionType, Flex, backend_extension,
};
use burn::tensor::{DType, Tensor};

/// An operation with a kernel of its own: N tensors in, one out.
pub(crate) trait Operation<const N: usize>: Send + Sync + 'static {
    /// What the forward pass leaves for the gradient.
    type Saved: Send + Sync + 'static;

    /// The output. Where a gradient is asked for (`keep`), also what it needs.
    fn forward(&self, inputs: [FlexTensor; N], keep: bool) -> (FlexTensor, Option<Self::Saved>);

    /// The gradients of the inputs for the gradient of the output. One that isn't `needed` may be none.
    fn backward(
        &self,
        saved: &Self::Saved,
        gradient: FlexTensor,
        needed: [bool; N],
    ) -> [Option<FlexTensor>; N];
}

/// Runs an operation; all inputs are [`is_fused`].
///
/// # Panics
/// If the output has another rank than D.
pub(crate) fn run<const N: usize, const D: usize, O: Operation<N>>(
    inputs: [DispatchTensor; N],
    operation: Arc<O>,
) -> Tensor<D> {
    let output = <Dispatch as FusedOps>::run(Tensors(inputs.into()), Arc::new(Erased(operation)));
    Tensor::from_dispatch(output)
}

/// Whether the kernels serve this tensor.
pub(crate) fn is_fused<const D: usize>(tensor: &Tensor<D>) -> bool {
    let is_flex = match tensor.clone().into_dispatch().kind {
        DispatchTensorKind::Flex(_) => true,
        DispatchTensorKind::Autodiff(inner) => matches!(*inner, DispatchTensorKind::Flex(_)),
        // With one backend compiled in there is no other.
        #[allow(unreachable_patterns)]
        _ => false,
    };
    is_flex && tensor.dtype() == DType::F32
}

/// The inputs as a backend's own tensors.
#[derive(Clone, Debug)]
pub(crate) struct Tensors<B: Backend>(Vec<FloatTensor<B>>);

impl<B: Backend> ExtensionType<B> for Tensors<B> {
    type Target = Tensors<Dispatch>;

    fn map_to_dispatch<F>(self, map_kind: F, autodiff: DispatchAutodiffContext) -> Self::Target
    where
        F: Fn(BackendTensor<B>) -> DispatchTensorKind,
    {
        let map = |tensor| DispatchTensor { kind: map_kind(BackendTensor::Float(tensor)), autodiff };
        Tensors(self.0.into_iter().map(map).collect())
    }

    fn map_from_dispatch<F>(target: Self::Target, unwrap_kind: F) -> Self
    where
        F: Fn(DispatchTensor) -> BackendTensor<B>,
    {
        Self(target.0.into_iter().map(|tensor| unwrap_kind(tensor).float()).collect())
    }

    fn routing_tensor(target: &Self::Target) -> Option<&DispatchTensor> {
        target.0.first()
    }

    fn routing_float_tensor(target: &Self::Target) -> Option<&DispatchTensor> {
        target.0.first()
    }

    fn autodiff_context(target: &Self::Target) -> DispatchAutodiffContext {
        let contexts = target.0.iter().map(|tensor| tensor.autodiff);
        contexts.fold(DispatchAutodiffContext::Disabled, |all, one| all.merge(one))
    }
}

/// What Burn dispatches to the backend of the inputs.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait FusedOps: Backend {
    /// Runs any operation.
    fn run(#[extension_type] inputs: Tensors<Self>, operation: Arc<dyn AnyOperation>) -> FloatTensor<Self>;
}

impl FusedOps for Flex {
    fn run(inputs: Tensors<Flex>, operation: Arc<dyn AnyOperation>) -> FlexTensor {
        operation.forward(inputs.0, false).0
    }
}

impl<C: CheckpointStrategy> FusedOps for Autodiff<Flex, C> {
    fn run(inputs: Tensors<Self>, operation: Arc<dyn AnyOperation>) -> FloatTensor<Self> {
        macro_rules! of_inputs {
            ($($n:literal)*) => {
                match inputs.0.len() {
                    $($n => tracked::<C, $n>(inputs.0, operation),)*
                    n => unreachable!("no operation has {n} inputs"),
                }
            };
        }
        of_inputs!(1 2 3 4 5 6 7 8 9 10)
    }
}

type Tracked = FloatTensor<Autodiff<Flex>>;

/// Runs an operation of N inputs, and remembers how to differentiate it where an input asks for that.
fn tracked<C: CheckpointStrategy, const N: usize>(
    inputs: Vec<Tracked>,
    operation: Arc<dyn AnyOperation>,
) -> Tracked {
    let nodes: [_; N] = std::array::from_fn(|i| inputs[i].node());
    let inputs: Vec<FlexTensor> = inputs.into_iter().map(Tracked::into_primitive).collect();
    match FusedBackward.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::UnTracked(prep) => prep.finish(operation.forward(inputs, false).0),
        OpsKind::Tracked(prep) => {
            let (output, saved) = operation.forward(inputs, true);
            prep.finish(State { operation, saved }, output)
        }
    }
}

#[derive(Debug)]
struct FusedBackward;

#[derive(Clone)]
struct State {
    operation: Arc<dyn AnyOperation>,
    saved: Option<Arc<dyn Any + Send + Sync>>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State")
    }
}

impl<const N: usize> Backward<Flex, N> for FusedBackward {
    type State = State;

    fn backward(self, ops: Ops<State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node);
        let needed = ops.parents.each_ref().map(Option::is_some);
        let State { operation, saved } = ops.state;
        let own = operation.backward(saved.as_deref(), gradient, &needed);
        for (node, gradient) in ops.parents.into_iter().zip(own) {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                grads.register::<Flex>(node.id, gradient);
            }
        }
    }
}

/// An [`Operation`] whose type and number of inputs are not known.
pub(crate) trait AnyOperation: Send + Sync {
    fn forward(
        &self,
        inputs: Vec<FlexTensor>,
        keep: bool,
    ) -> (FlexTensor, Option<Arc<dyn Any + Send + Sync>>);

    fn backward(
        &self,
        saved: Option<&(dyn Any + Send + Sync)>,
        gradient: FlexTensor,
        needed: &[bool],
    ) -> Vec<Option<FlexTensor>>;
}

struct Erased<O, const N: usize>(Arc<O>);

impl<O: Operation<N>, const N: usize> AnyOperation for Erased<O, N> {
    fn forward(
        &self,
        inputs: Vec<FlexTensor>,
        keep: bool,
    ) -> (FlexTensor, Option<Arc<dyn Any + Send + Sync>>) {
        let Ok(inputs) = inputs.try_into() else { unreachable!("as many inputs as were given") };
        let (output, saved) = self.0.forward(inputs, keep);
        (output, saved.map(|saved| Arc::new(saved) as Arc<dyn Any + Send + Sync>))
    }

    fn backward(
        &self,
        saved: Option<&(dyn Any + Send + Sync)>,
        gradient: FlexTensor,
        needed: &[bool],
    ) -> Vec<Option<FlexTensor>> {
        let saved = saved.and_then(|saved| saved.downcast_ref::<O::Saved>());
        let saved = saved.expect("the forward pass keeps what its own gradient needs");
        self.0.backward(saved, gradient, std::array::from_fn(|i| needed[i])).into()
    }
}
