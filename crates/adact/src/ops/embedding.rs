//! Rows of a table by number.

use std::sync::Arc;

use adact_kernels::embedding;
use burn::backend::flex::FlexTensor;
use burn::tensor::{Int, Tensor};

use super::buffer::{self, WORKSPACE};
use super::fused::{self, Operation, is_fused};
use super::layout::Arranged;

/// The rows (batch, length, dim) of a table (entries, dim) for tokens (batch, length).
///
/// # Panics
/// If a token is beyond the table.
pub(crate) fn embedding(table: Tensor<2>, tokens: Tensor<2, Int>) -> Tensor<3> {
    let [batch, length] = tokens.dims();
    let [entries, dim] = table.dims();
    let indices: Vec<i32> = tokens.to_data().iter::<i32>().collect();
    let beyond = indices.iter().find(|&&i| usize::try_from(i).map_or(true, |i| i >= entries));
    assert!(beyond.is_none(), "token {beyond:?} is beyond a table of {entries} entries");
    if !is_fused(&table) {
        return table.select(0, tokens.reshape([batch * length])).reshape([batch, length, dim]);
    }
    fused::run([table.into_dispatch()], Arc::new(Embed { indices, shape: [batch, length, dim], entries }))
}

struct Embed {
    indices: Vec<i32>,
    shape: [usize; 3],
    entries: usize,
}

impl Operation<1> for Embed {
    type Saved = ();

    fn forward(&self, [table]: [FlexTensor; 1], keep: bool) -> (FlexTensor, Option<()>) {
        let table = Arranged::row_major(table);
        let dim = self.shape[2];
        let mut rows = WORKSPACE.take(self.indices.len() * dim);
        embedding::forward(table.values(), dim, &self.indices, &mut rows);
        (buffer::tensor(rows, self.shape), keep.then_some(()))
    }

    fn backward(&self, (): &(), dy: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let dy = Arranged::row_major(dy);
        let dim = self.shape[2];
        let mut dtable = WORKSPACE.zeros(self.entries * dim);
        embedding::backward(&mut dtable, dim, &self.indices, dy.values());
        [Some(buffer::tensor(dtable, [self.entries, dim]))]
    }
}
