//! The arithmetic of AdAct over slices: no framework, no input or output, no global state.

pub mod random;
