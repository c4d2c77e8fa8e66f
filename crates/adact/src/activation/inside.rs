//! Where a visitor of a module is: inside of a mixture or not.

use super::candidates::{CANDIDATES, Candidates};
use super::granularity::RAW_WEIGHTS;

/// The name under which Burn's visitors enter the parts of [`AdAct`](super::AdAct).
const MIXTURE: &str = "Struct:AdAct";

/// Where a visitor is that calls it as it enters and leaves parts.
#[derive(Debug, Default)]
pub(crate) struct Inside {
    /// Whether it is inside of a mixture.
    pub mixture: bool,
    /// Whether it is inside of the raw weights of one.
    pub weights: bool,
    /// The candidates of the last place that it entered.
    pub candidates: Option<Candidates>,
}

impl Inside {
    /// The visitor enters a part, as Burn calls it.
    pub fn enter(&mut self, name: &str, container: &str) {
        if container == CANDIDATES {
            self.candidates = Candidates::from_name(name);
        }
        self.mixture |= container == MIXTURE;
        self.weights |= container == RAW_WEIGHTS;
    }

    /// The visitor leaves it.
    pub fn exit(&mut self, container: &str) {
        self.mixture &= container != MIXTURE;
        self.weights &= container != RAW_WEIGHTS;
    }
}
