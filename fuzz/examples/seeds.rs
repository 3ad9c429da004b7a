//! Writes the seeds of every target into a directory, each target's into one of its name: `cargo run --example seeds DIRECTORY`.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let directory = env::args_os()
        .nth(1)
        .ok_or_else(|| io::Error::other("name a directory"))?;
    for target in kista_fuzz::TARGETS {
        let directory = PathBuf::from(&directory).join(target.name);
        fs::create_dir_all(&directory)?;
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            fs::write(directory.join(format!("{number:03}")), seed)?;
        }
    }
    Ok(())
}
