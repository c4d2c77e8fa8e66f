//! The tensors of a module by PyTorch's names, found by visiting it.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Tensor, TensorData};

use crate::file::{Entries, Entry};
use crate::visit::Path;

/// All tensors of a module, parameters and running statistics, by the names that PyTorch gives them; as `f32`.
///
/// ```
/// use adact::{AdActConfig, state_dict};
/// let act = AdActConfig::new().init(&burn::tensor::Device::flex());
/// assert_eq!(state_dict(&act)["w"].shape().to_vec(), [7]);
/// ```
pub fn state_dict<M: Module>(module: &M) -> BTreeMap<String, TensorData> {
    entries(module).into_iter().map(|(name, e)| (name, TensorData::new(e.values, e.shape))).collect()
}

/// The same for our own files.
pub(crate) fn entries<M: Module>(module: &M) -> Entries {
    struct Visitor {
        path: Path,
        entries: Entries,
    }
    impl ModuleVisitor for Visitor {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.path.enter(name, container);
        }
        fn exit_module(&mut self, _: &str, container: &str) {
            self.path.exit(container);
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let tensor = param.val();
            let entry =
                Entry { shape: tensor.dims().to_vec(), values: tensor.into_data().iter::<f32>().collect() };
            self.entries.insert(self.path.dotted(), entry);
        }
    }
    let mut visitor = Visitor { path: Path::default(), entries: Entries::new() };
    module.visit(&mut visitor);
    visitor.entries
}

/// The parameters of a module, without running statistics: names, identities and sizes.
pub(crate) fn parameters<M: Module>(module: &M) -> Vec<(String, ParamId, usize)> {
    #[derive(Default)]
    struct Visitor {
        path: Path,
        found: Vec<(String, ParamId, usize)>,
    }
    impl ModuleVisitor for Visitor {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.path.enter(name, container);
        }
        fn exit_module(&mut self, _: &str, container: &str) {
            self.path.exit(container);
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if !self.path.is_statistic() {
                self.found.push((self.path.dotted(), param.id, param.shape().num_elements()));
            }
        }
    }
    let mut visitor = Visitor::default();
    module.visit(&mut visitor);
    visitor.found
}

/// What a file lacks or has too much for a module.
#[derive(Debug)]
pub(crate) enum Mismatch {
    /// A tensor is not there.
    Missing(String),
    /// A tensor has another shape than the module's.
    Shape { name: String, found: Vec<usize>, expected: Vec<usize> },
    /// A tensor is not the module's.
    Unknown(String),
}

/// The module with other values: all of its tensors, and no other.
pub(crate) fn load<M: Module>(module: M, entries: &mut Entries) -> Result<M, Mismatch> {
    struct Mapper<'a> {
        path: Path,
        entries: &'a mut Entries,
        mismatch: Option<Mismatch>,
    }
    impl ModuleMapper for Mapper<'_> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.path.enter(name, container);
        }
        fn exit_module(&mut self, _: &str, container: &str) {
            self.path.exit(container);
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let name = self.path.dotted();
            let Some(entry) = self.entries.remove(&name) else {
                self.mismatch.get_or_insert(Mismatch::Missing(name));
                return param;
            };
            let expected = param.shape().to_vec();
            if entry.shape != expected {
                self.mismatch.get_or_insert(Mismatch::Shape { name, found: entry.shape, expected });
                return param;
            }
            let data = TensorData::new(entry.values, entry.shape);
            param.map(|old| Tensor::from_data(data, &old.device()).set_require_grad(old.is_require_grad()))
        }
    }
    let mut mapper = Mapper { path: Path::default(), entries, mismatch: None };
    let module = module.map(&mut mapper);
    let Mapper { mismatch, entries, .. } = mapper;
    match mismatch.or_else(|| entries.keys().next().cloned().map(Mismatch::Unknown)) {
        Some(mismatch) => Err(mismatch),
        None => Ok(module),
    }
}
