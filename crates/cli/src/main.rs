//! The `adact` command.

fn main() {}
