//! Writes the seeds into a directory, one file each: `cargo run --example seeds DIRECTORY`.

use std::{env, fs, io};

fn main() -> io::Result<()> {
    let directory = env::args_os()
        .nth(1)
        .ok_or_else(|| io::Error::other("name a directory"))?;
    fs::create_dir_all(&directory)?;
    let seeds = kista_fuzz::seeds().into_iter();
    let seeds = seeds
        .chain(kista_fuzz::compressed_seeds())
        .chain(kista_fuzz::text_seeds());
    for (number, seed) in seeds.enumerate() {
        fs::write(
            std::path::Path::new(&directory).join(format!("{number:03}")),
            seed,
        )?;
    }
    Ok(())
}
