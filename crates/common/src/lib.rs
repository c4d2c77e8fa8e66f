//! What every crate of AdAct needs: [files](write()) that appear whole or not at all, and the [nearest] of some names to
//! a mistyped one.

mod nearest;
mod write;

pub use nearest::nearest;
pub use write::write;
