//! The paths under which PyTorch knows the parts of a module, for those who visit it.

use crate::activation::CANDIDATES;
use crate::layers::STATISTIC;

/// Where in a module a visitor is.
#[derive(Debug, Default)]
pub(crate) struct Path {
    /// The names from the outside in; none for what is no module in PyTorch.
    names: Vec<Option<String>>,
    statistics: usize,
}

impl Path {
    /// Enters a part, as Burn calls it: the name of a field or an index, and the kind of what contains it.
    pub fn enter(&mut self, name: &str, container: &str) {
        // The variant of an enum is a name in Burn only, what holds any network is not a part of it, and our own containers
        // are marks.
        let marks = [CANDIDATES, STATISTIC, "Struct:AnyNetwork"];
        let counts = !(container.starts_with("Enum:") || marks.contains(&container));
        self.statistics += usize::from(container == STATISTIC);
        self.names.push(counts.then(|| name.to_string()));
    }

    /// Leaves it.
    pub fn exit(&mut self, container: &str) {
        self.statistics -= usize::from(container == STATISTIC);
        self.names.pop();
    }

    /// The path: names with dots between.
    pub fn dotted(&self) -> String {
        self.names.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(".")
    }

    /// Whether it is inside of a running statistic, which doesn't learn.
    pub fn is_statistic(&self) -> bool {
        self.statistics > 0
    }
}
