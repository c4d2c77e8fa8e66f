//! Training and studies.
