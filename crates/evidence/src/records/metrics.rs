//! Metrics as records hold them: numbers by name, and their keys in JSON.
//!
//! In a file a metric's key is its name behind the part of the data that it was measured on: `train_loss`,
//! `test_accuracy`, `validation_mean_iou`. A number that is not finite is written as `null` and read as NaN.

use std::fmt;

use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use crate::metric::Metric;

/// Metrics by name, in order. Two are equal if they have the same numbers, whatever the order.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Vec<(String, f64)>);

impl Metrics {
    /// No metrics.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of a metric.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| *value)
    }

    /// The number of a metric, if there is one and it is finite.
    pub fn finite(&self, name: &str) -> Option<f64> {
        self.get(name).filter(|value| value.is_finite())
    }

    /// Sets the number of a metric; a new one comes last.
    pub fn set(&mut self, name: impl Into<String>, value: f64) {
        let name = name.into();
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// The same with one more number, or another.
    pub fn with(mut self, name: impl Into<String>, value: f64) -> Self {
        self.set(name, value);
        self
    }

    /// Takes a metric out.
    pub fn remove(&mut self, name: &str) -> Option<f64> {
        let at = self.0.iter().position(|(n, _)| n == name)?;
        Some(self.0.remove(at).1)
    }

    /// Names and numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and numbers, the loss before or after all others.
    fn in_order(&self, loss_first: bool) -> impl Iterator<Item = (&str, f64)> {
        let part = move |first: bool| self.iter().filter(move |(name, _)| (*name == "loss") == first);
        part(loss_first).chain(part(!loss_first))
    }

    /// That shares are shares; `part` is what stands before their names.
    pub(super) fn check(&self, part: &str) -> Result<(), String> {
        for (name, value) in self.iter() {
            if Metric::of(name).is_share && value.is_nan() {
                return Err(format!("{part}{name} is not a number"));
            }
            if Metric::of(name).is_share && !(0.0..=1.0).contains(&value) {
                return Err(format!("{part}{name} is {value}, which is not between 0 and 1"));
            }
        }
        Ok(())
    }
}

impl PartialEq for Metrics {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl<N: Into<String>> FromIterator<(N, f64)> for Metrics {
    fn from_iter<I: IntoIterator<Item = (N, f64)>>(numbers: I) -> Self {
        let mut metrics = Self::new();
        numbers.into_iter().for_each(|(name, value)| metrics.set(name, value));
        metrics
    }
}

impl<N: Into<String>, const LENGTH: usize> From<[(N, f64); LENGTH]> for Metrics {
    fn from(numbers: [(N, f64); LENGTH]) -> Self {
        numbers.into_iter().collect()
    }
}

/// The metric by which a study's variants are compared and its epochs picked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricRecord {
    /// Its name: `loss`, `mean_iou`.
    pub name: String,
    /// Whether a higher number is better.
    pub higher_is_better: bool,
}

impl MetricRecord {
    /// A metric as a record names it, by what is known of its name; `None` for the accuracy, which needs no record.
    pub fn of(name: &str) -> Option<Self> {
        let metric = Metric::of(name);
        (!metric.is_accuracy())
            .then_some(Self { name: metric.name, higher_is_better: metric.higher_is_better })
    }

    /// What is known of the metric that a record names; the accuracy where it names none.
    pub fn metric(record: Option<&Self>) -> Metric {
        record.map_or_else(Metric::accuracy, |r| Metric {
            higher_is_better: r.higher_is_better,
            ..Metric::of(&r.name)
        })
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.name.is_empty() { Err("metric: the name is empty".into()) } else { Ok(()) }
    }
}

/// Writes metrics as entries of the object around them.
fn write<S: Serializer>(metrics: &Metrics, part: &str, loss_first: bool, s: S) -> Result<S::Ok, S::Error> {
    let mut map = s.serialize_map(None)?;
    for (name, value) in metrics.in_order(loss_first) {
        map.serialize_entry(&format!("{part}{name}"), &value)?;
    }
    map.end()
}

/// Reads the entries of an object whose keys begin with a part; `null` is NaN.
fn read<'de, D: Deserializer<'de>>(part: &'static str, d: D) -> Result<Metrics, D::Error> {
    struct Entries(&'static str);
    impl<'de> Visitor<'de> for Entries {
        type Value = Metrics;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "metrics whose keys begin with {:?}", self.0)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metrics, A::Error> {
            let mut metrics = Metrics::new();
            while let Some(key) = map.next_key::<String>()? {
                let Some(name) = key.strip_prefix(self.0).filter(|name| !name.is_empty()) else {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                };
                let value = map.next_value::<Option<f64>>();
                let value = value.map_err(|e| de::Error::custom(format!("{key}: {e}")))?;
                if metrics.get(name).is_some() {
                    return Err(de::Error::custom(format!("{key} is there twice")));
                }
                metrics.set(name, value.unwrap_or(f64::NAN));
            }
            Ok(metrics)
        }
    }
    d.deserialize_map(Entries(part))
}

/// What may be lacking: a share that is `null` was not measured, and nothing finite is no metrics.
fn measured(mut metrics: Metrics) -> Option<Metrics> {
    metrics.0.retain(|(name, value)| value.is_finite() || !Metric::of(name).is_share);
    let any = metrics.iter().any(|(_, value)| value.is_finite());
    any.then_some(metrics)
}

/// Metrics that a record must have: a module for serde's `with`, the part before their names, whether the loss is first.
macro_rules! always {
    ($module:ident, $part:literal, loss_first: $first:literal) => {
        pub(super) mod $module {
            use super::*;

            pub fn serialize<S: Serializer>(metrics: &Metrics, s: S) -> Result<S::Ok, S::Error> {
                write(metrics, $part, $first, s)
            }

            pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Metrics, D::Error> {
                read($part, d)
            }
        }
    };
}

/// Metrics that may be absent.
macro_rules! sometimes {
    ($module:ident, $part:literal, loss_first: $first:literal) => {
        pub(super) mod $module {
            use super::*;

            pub fn serialize<S: Serializer>(metrics: &Option<Metrics>, s: S) -> Result<S::Ok, S::Error> {
                write(metrics.as_ref().unwrap_or(&Metrics::new()), $part, $first, s)
            }

            pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Metrics>, D::Error> {
                read($part, d).map(measured)
            }
        }
    };
}

always!(train, "train_", loss_first: true);
sometimes!(test, "test_", loss_first: true);
sometimes!(validation, "validation_", loss_first: true);
always!(best, "test_", loss_first: false);
always!(bare, "", loss_first: false);

/// The last epoch's: older programs look for both of their keys, so they are there, as `null`, where nothing was measured.
pub(super) mod last {
    use super::*;

    pub fn serialize<S: Serializer>(metrics: &Option<Metrics>, s: S) -> Result<S::Ok, S::Error> {
        let nothing = || Metrics::from([("accuracy", f64::NAN), ("loss", f64::NAN)]);
        write(metrics.as_ref().unwrap_or(&nothing()), "test_", false, s)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Metrics>, D::Error> {
        read("test_", d).map(measured)
    }
}
