//! Writes a valid file for each target into `corpus/TARGET/`, for the fuzzer to start from.

#[path = "../tests/common/files.rs"]
mod files;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    files::write_valid(folder.path());
    for (target, file) in [("weights", files::WEIGHTS_FILE), ("state", adact::STATE_FILE)] {
        let corpus = Path::new("corpus").join(target);
        std::fs::create_dir_all(&corpus)?;
        std::fs::copy(folder.path().join(file), corpus.join(file))?;
    }
    Ok(())
}
