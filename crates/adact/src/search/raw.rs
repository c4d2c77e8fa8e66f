//! The raw weights of all mixtures of a module: read, and written anew.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Tensor, TensorData};

use crate::activation::{Candidates, Inside};

/// The raw weights of a mixture, a row for each channel that has its own.
pub(super) struct Raw {
    pub id: ParamId,
    pub rows: Vec<Vec<f32>>,
}

/// The raw weights of all mixtures in order, those that several places share once.
pub(super) fn raw_weights<M: Module>(module: &M) -> Vec<Raw> {
    #[derive(Default)]
    struct Visitor {
        inside: Inside,
        found: Vec<Raw>,
    }
    impl ModuleVisitor for Visitor {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.inside.enter(name, container);
        }
        fn exit_module(&mut self, _: &str, container: &str) {
            self.inside.exit(container);
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if self.inside.weights && self.found.iter().all(|raw| raw.id != param.id) {
                self.found.push(Raw { id: param.id, rows: rows(param) });
            }
        }
    }
    let mut visitor = Visitor::default();
    module.visit(&mut visitor);
    visitor.found
}

/// The module whose mixtures have other raw weights: `with` gets the candidates of each, the identity of its weights and their rows,
/// in order; none leaves them.
pub(super) fn with_raw_weights<M, F>(module: M, with: F) -> M
where
    M: Module,
    F: FnMut(&Candidates, &Raw) -> Option<Vec<Vec<f32>>>,
{
    struct Mapper<F> {
        inside: Inside,
        with: F,
    }
    impl<F: FnMut(&Candidates, &Raw) -> Option<Vec<Vec<f32>>>> ModuleMapper for Mapper<F> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.inside.enter(name, container);
        }
        fn exit_module(&mut self, _: &str, container: &str) {
            self.inside.exit(container);
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let Some(candidates) = self.inside.candidates.as_ref().filter(|_| self.inside.weights) else {
                return param;
            };
            let raw = Raw { id: param.id, rows: rows(&param) };
            match (self.with)(candidates, &raw) {
                Some(rows) => with_values(param, rows.concat()),
                None => param,
            }
        }
    }
    module.map(&mut Mapper { inside: Inside::default(), with })
}

/// The values of a parameter, a row for each index but the last.
fn rows<const D: usize>(param: &Param<Tensor<D>>) -> Vec<Vec<f32>> {
    let values = param.val();
    let columns = values.dims()[D - 1].max(1);
    let values: Vec<f32> = values.into_data().iter::<f32>().collect();
    values.chunks(columns).map(<[f32]>::to_vec).collect()
}

/// The parameter with other values: of the same identity, learning or not as before.
fn with_values<const D: usize>(param: Param<Tensor<D>>, values: Vec<f32>) -> Param<Tensor<D>> {
    param.map(|tensor| {
        let learns = tensor.is_require_grad();
        let data = TensorData::new(values, tensor.dims());
        let tensor = Tensor::from_data(data, &tensor.device());
        if learns { tensor.require_grad() } else { tensor }
    })
}
