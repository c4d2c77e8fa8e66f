//! `adact man`.

use std::fs;

use adact_lab::{Error, Result};
use clap::CommandFactory;
use clap_mangen::{Man, generate_to};

use crate::args::{Cli, ManArgs};
use crate::out;

pub fn run(args: &ManArgs) -> Result<()> {
    let Some(dir) = &args.out else {
        let mut page = Vec::new();
        let made = Man::new(Cli::command()).render(&mut page);
        made.map_err(|e| Error::failure(format!("the manual page can't be made: {e}")))?;
        return out::bytes(&page);
    };
    let written = fs::create_dir_all(dir).and_then(|()| generate_to(Cli::command(), dir));
    written.map_err(|e| Error::io("write the manual pages", dir, &e).as_input())?;
    out::line(&format!("manual pages: {}", dir.display()))
}
