//! Learn which activation function each layer should use.
