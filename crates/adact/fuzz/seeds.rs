//! Writes valid files for each target into `corpus/TARGET/`, for the fuzzer to start from.

#[path = "../tests/common/files.rs"]
mod files;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    files::write_valid(folder.path());
    let foreign = files::FOREIGN_FILES.map(|(file, _, _)| ("weights", file));
    for (target, file) in
        [("weights", files::WEIGHTS_FILE), ("state", adact::STATE_FILE)].into_iter().chain(foreign)
    {
        let corpus = Path::new("corpus").join(target);
        std::fs::create_dir_all(&corpus)?;
        std::fs::copy(folder.path().join(file), corpus.join(file))?;
    }
    Ok(())
}
