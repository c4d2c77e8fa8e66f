//! How the learning rate changes over a training.

use serde::{Deserialize, Serialize};

/// How the learning rate changes over a training: a factor for each step.
///
/// ```
/// use adact::{Schedule, Shape};
/// let schedule = Schedule { shape: Shape::Cosine { floor: 0.1 }, warmup: 100, steps: 2000 };
/// assert!(schedule.factor(0) < 0.01);
/// assert_eq!(schedule.factor(100), 1.0);
/// assert!((schedule.factor(2000) - 0.1).abs() < 1e-12);
/// assert_eq!(Schedule::default().factor(12345), 1.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// The shape after the warm-up. Default constant.
    pub shape: Shape,
    /// Steps over which the learning rate rises linearly. Default 0.
    pub warmup: u64,
    /// All steps of the training, which shapes that end need.
    pub steps: u64,
}

/// The shape of a schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// It stays.
    #[default]
    Constant,
    /// Half a cosine from 1 to `floor` (Loshchilov and Hutter 2017, without restarts).
    Cosine {
        /// The factor of the last step.
        floor: f64,
    },
    /// Divided by 10 after half of the steps and again after three quarters (He et al. 2015).
    Steps,
}

impl Schedule {
    /// The factor of a step; the first is 0.
    pub fn factor(&self, step: u64) -> f64 {
        if step < self.warmup {
            return (step + 1) as f64 / (self.warmup + 1) as f64;
        }
        match self.shape {
            Shape::Constant => 1.0,
            Shape::Cosine { floor } => {
                let length = self.steps.saturating_sub(self.warmup).max(1);
                let done = ((step - self.warmup) as f64 / length as f64).min(1.0);
                floor + (1.0 - floor) * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * done))
            }
            Shape::Steps if 4 * step >= 3 * self.steps => 0.01,
            Shape::Steps if 2 * step >= self.steps => 0.1,
            Shape::Steps => 1.0,
        }
    }
}
