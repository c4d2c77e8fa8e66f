//! Pooling of maps.

use std::sync::Arc;

use adact_kernels::pool::{self, MapSpec, Winners};
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;
use burn::tensor::module::max_pool2d as burn_max_pool2d;
use burn::tensor::ops::MaxPoolOptions;

use super::buffer::{self, WORKSPACE};
use super::fused::{self, Operation, is_fused};
use super::layout::{Arranged, CHANNELS_LAST, from_channels_last};

/// Max pooling 2x2 with stride 2 of (batch, channels, height, width); an odd last row or column is dropped.
pub(crate) fn max_pool2d(x: Tensor<4>) -> Tensor<4> {
    if !is_fused(&x) {
        return burn_max_pool2d(x, MaxPoolOptions::new([2; 2]));
    }
    let map = map_of(&x);
    fused::run([x.into_dispatch()], Arc::new(MaxPool(map)))
}

/// The mean over all places: (batch, channels, height, width) to (batch, channels).
pub(crate) fn mean_pool(x: Tensor<4>) -> Tensor<2> {
    let map = map_of(&x);
    if !is_fused(&x) {
        let places = x.reshape([map.batch, map.channels, map.height * map.width]);
        return places.mean_dim(2).reshape([map.batch, map.channels]);
    }
    fused::run([x.into_dispatch()], Arc::new(MeanPool(map)))
}

fn map_of(x: &Tensor<4>) -> MapSpec {
    let [batch, channels, height, width] = x.dims();
    MapSpec { batch, height, width, channels }
}

struct MaxPool(MapSpec);

impl Operation<1> for MaxPool {
    type Saved = Winners;

    fn forward(&self, [x]: [FlexTensor; 1], keep: bool) -> (FlexTensor, Option<Winners>) {
        let x = Arranged::new(x, &CHANNELS_LAST);
        let MapSpec { batch, height, width, channels } = self.0;
        let pool::MaxPool { y, winners } = pool::max_pool(&WORKSPACE, &self.0, x.values());
        (from_channels_last(y, batch, [height / 2, width / 2, channels]), keep.then_some(winners))
    }

    fn backward(&self, winners: &Winners, dy: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let dy = Arranged::new(dy, &CHANNELS_LAST);
        let MapSpec { batch, height, width, channels } = self.0;
        let dx = pool::max_pool_backward(&WORKSPACE, &self.0, winners, dy.values());
        [Some(from_channels_last(dx, batch, [height, width, channels]))]
    }
}

struct MeanPool(MapSpec);

impl Operation<1> for MeanPool {
    type Saved = ();

    fn forward(&self, [x]: [FlexTensor; 1], keep: bool) -> (FlexTensor, Option<()>) {
        let x = Arranged::new(x, &CHANNELS_LAST);
        let y = pool::mean_pool(&WORKSPACE, &self.0, x.values());
        (buffer::tensor(y, [self.0.batch, self.0.channels]), keep.then_some(()))
    }

    fn backward(&self, (): &(), dy: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let dy = Arranged::row_major(dy);
        let MapSpec { batch, height, width, channels } = self.0;
        let dx = pool::mean_pool_backward(&WORKSPACE, &self.0, dy.values());
        [Some(from_channels_last(dx, batch, [height, width, channels]))]
    }
}
