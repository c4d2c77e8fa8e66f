//! The order in which a tensor's elements lie in memory.
//!
//! A Flex tensor is a buffer with strides. The kernels read slices, so a tensor is first brought into the order
//! that a kernel wants: nothing happens if it lies so already, which is the rule from layer to layer.

use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;

use super::buffer::{self, Values};

/// The axes of an image tensor (batch, channel, row, column) from the slowest to the fastest in memory: channels
/// last.
pub(super) const CHANNELS_LAST: [usize; 4] = [0, 2, 3, 1];

/// A tensor whose buffer holds its elements without gaps, the axes in a known order.
#[derive(Clone, Debug)]
pub(super) struct Arranged {
    /// The tensor with its axes permuted so that its layout is row-major.
    tensor: FlexTensor,
    /// The axis of the original tensor at each place.
    axes: Vec<usize>,
}

impl Arranged {
    /// The tensor with its axes in the given order, copied if it does not lie so.
    pub fn new(tensor: FlexTensor, axes: &[usize]) -> Self {
        // Reduced to its elements in order: no offset, no excess, no gaps.
        Self { tensor: tensor.permute(axes).to_contiguous(), axes: axes.to_vec() }
    }

    /// The tensor in row-major order.
    pub fn row_major(tensor: FlexTensor) -> Self {
        let axes: Vec<usize> = (0..tensor.rank()).collect();
        Self::new(tensor, &axes)
    }

    /// The tensor in the order in which it lies already, or nearly so: from the largest stride to the smallest.
    pub fn as_it_lies(tensor: FlexTensor) -> Self {
        let strides = tensor.layout().strides();
        let mut axes: Vec<usize> = (0..strides.len()).collect();
        axes.sort_by_key(|&axis| std::cmp::Reverse(strides[axis]));
        Self::new(tensor, &axes)
    }

    /// A tensor of new values in this one's order and shape.
    pub fn like(&self, values: impl Values) -> FlexTensor {
        unpermute(&buffer::tensor(values, self.tensor.shape()), &self.axes)
    }

    /// Another tensor of the same shape in this one's order.
    pub fn arrange(&self, other: FlexTensor) -> Self {
        Self::new(other, &self.axes)
    }

    /// The tensor as it was.
    pub fn into_tensor(self) -> FlexTensor {
        unpermute(&self.tensor, &self.axes)
    }

    /// The shape in the order in which it lies.
    pub fn dims<const D: usize>(&self) -> [usize; D] {
        self.tensor.shape().dims()
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.axes.len()
    }

    /// The sizes of what lies before an axis of the original tensor, of the axis, and of what lies after it.
    pub fn around(&self, axis: usize) -> [usize; 3] {
        let place = self.axes.iter().position(|&other| other == axis).expect("an axis of the tensor");
        let dims: Vec<usize> = self.tensor.shape().to_vec();
        [dims[..place].iter().product(), dims[place], dims[place + 1..].iter().product()]
    }

    /// The elements in order.
    pub fn values(&self) -> &[f32] {
        self.tensor.storage()
    }

    /// The elements in order, to be changed: in place where no other tensor has the buffer.
    pub fn values_mut(&mut self) -> &mut [f32] {
        self.tensor.storage_mut()
    }
}

/// A tensor of shape (batch, channel, row, column) from values whose channels lie last.
pub(super) fn from_channels_last(
    values: impl Values,
    batch: usize,
    [height, width, channels]: [usize; 3],
) -> FlexTensor {
    unpermute(&buffer::tensor(values, [batch, height, width, channels]), &CHANNELS_LAST)
}

/// Puts permuted axes back: `axes[i]` is the original axis at place `i`.
fn unpermute(tensor: &FlexTensor, axes: &[usize]) -> FlexTensor {
    let mut inverse = vec![0; axes.len()];
    for (place, &axis) in axes.iter().enumerate() {
        inverse[axis] = place;
    }
    tensor.permute(&inverse)
}
