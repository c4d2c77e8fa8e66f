//! Stand-ins until the kernels are there.
#![allow(missing_docs, dead_code, unused_variables)]
pub mod linear {
    pub fn forward(x: &[f32], w: &[f32], b: &[f32], n: usize, i: usize, o: usize) -> Vec<f32> {
        unimplemented!()
    }
    pub fn backward(
        x: &[f32],
        w: &[f32],
        dy: &[f32],
        n: usize,
        i: usize,
        o: usize,
    ) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        unimplemented!()
    }
}
pub mod loss {
    pub fn cross_entropy(
        logits: &[f32],
        labels: &[i32],
        classes: usize,
        dlogits: &mut [f32],
    ) -> (f32, usize) {
        unimplemented!()
    }
}
pub mod adamw {
    pub struct AdamW {
        pub lr: f32,
        pub beta1: f32,
        pub beta2: f32,
        pub eps: f32,
        pub weight_decay: f32,
    }
    pub fn step(c: &AdamW, t: u64, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
        unimplemented!()
    }
}
pub mod block {
    use adact_kernels::{ConvSpec, Function, FunctionGrads, Workspace};
    #[derive(Clone, Debug)]
    pub struct BlockSpec {
        pub conv: ConvSpec,
        pub pool: bool,
        pub eps: f32,
    }
    pub struct BlockParams<'a> {
        pub weight: &'a [f32],
        pub bias: &'a [f32],
        pub gamma_beta: Option<(&'a [f32], &'a [f32])>,
        pub function: Option<Function<'a>>,
    }
    #[derive(Debug)]
    pub struct Saved;
    pub struct Forward {
        pub out: Vec<f32>,
        pub mean: Vec<f32>,
        pub var: Vec<f32>,
        pub saved: Saved,
    }
    pub struct Grads {
        pub dx: Option<Vec<f32>>,
        pub weight: Vec<f32>,
        pub bias: Vec<f32>,
        pub gamma: Vec<f32>,
        pub beta: Vec<f32>,
        pub function: FunctionGrads,
    }
    pub fn forward(ws: &Workspace, spec: &BlockSpec, x: &[f32], p: BlockParams<'_>) -> Forward {
        unimplemented!()
    }
    pub fn forward_eval(
        ws: &Workspace,
        spec: &BlockSpec,
        x: &[f32],
        p: BlockParams<'_>,
        mean: &[f32],
        var: &[f32],
    ) -> Vec<f32> {
        unimplemented!()
    }
    pub fn backward(
        ws: &Workspace,
        spec: &BlockSpec,
        x: &[f32],
        p: BlockParams<'_>,
        s: &Saved,
        dout: &[f32],
        need_dx: bool,
    ) -> Grads {
        unimplemented!()
    }
}
