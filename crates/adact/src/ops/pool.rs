//! Pooling and joining of maps.

use burn::tensor::Tensor;
use burn::tensor::module::max_pool2d as burn_max_pool2d;
use burn::tensor::ops::MaxPoolOptions;

/// Max pooling 2x2 with stride 2 of (batch, channels, height, width); an odd last row or column is dropped.
pub(crate) fn max_pool2d(x: Tensor<4>) -> Tensor<4> {
    burn_max_pool2d(x, MaxPoolOptions::new([2; 2]))
}

/// The mean over all places: (batch, channels, height, width) to (batch, channels).
pub(crate) fn mean_pool(x: Tensor<4>) -> Tensor<2> {
    let [batch, channels, height, width] = x.dims();
    let places = x.permute([0, 2, 3, 1]).reshape([batch, height * width, channels]);
    places.mean_dim(1).reshape([batch, channels])
}

/// The channels of two maps of the same size, one after the other.
pub(crate) fn concat(first: Tensor<4>, second: Tensor<4>) -> Tensor<4> {
    // Joined where the channels lie, so that the result has its channels last in memory too.
    let parts = [first, second].map(|map| map.permute([0, 2, 3, 1]));
    Tensor::cat(parts.into(), 3).permute([0, 3, 1, 2])
}
