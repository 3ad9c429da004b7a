//! The peers' programs, compiled by the release that runs them.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use crate::Otp;

/// The directory, as the release's programs see it, that holds the compiled Erlang modules and the Elixir scripts.
///
/// It is named after what it holds, so that test binaries which run at the same time share it, and a changed source makes
/// a new one. It is filled under another name and renamed when it is whole.
pub(crate) fn directory(otp: &Otp) -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let sources = sources();
        let mut hasher = DefaultHasher::new();
        (otp.release(), &sources).hash(&mut hasher);
        let name = format!("kista-interop-{:016x}", hasher.finish());
        let done = Path::new("/tmp").join(&name);
        if !otp.outside(&done).is_dir() {
            let new = Path::new("/tmp").join(format!("{name}.{}", std::process::id()));
            fill(otp, &new, &sources);
            // Another test binary may have been first; then its directory is as good.
            if fs::rename(otp.outside(&new), otp.outside(&done)).is_err() {
                let _ = fs::remove_dir_all(otp.outside(&new));
            }
            assert!(
                otp.outside(&done).is_dir(),
                "cannot make {}",
                done.display()
            );
        }
        done
    })
}

fn sources() -> Vec<(String, Vec<u8>)> {
    let mut sources = Vec::new();
    for directory in ["erlang", "elixir"] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
        for entry in fs::read_dir(&directory).expect("the sources are beside this crate") {
            let path = entry.expect("readable").path();
            let name = path
                .file_name()
                .expect("a file")
                .to_string_lossy()
                .into_owned();
            if name.ends_with(".erl") || name.ends_with(".exs") {
                sources.push((name, fs::read(&path).expect("readable")));
            }
        }
    }
    sources.sort();
    sources
}

fn fill(otp: &Otp, directory: &Path, sources: &[(String, Vec<u8>)]) {
    let outside = otp.outside(directory);
    fs::create_dir_all(&outside).expect("a temporary directory can be made");
    let mut modules = Vec::new();
    for (name, text) in sources {
        fs::write(outside.join(name), text).expect("the temporary directory can be written");
        if name.ends_with(".erl") {
            modules.push(directory.join(name));
        }
    }
    // One compiles its modules one after the other, and every test waits for them.
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let compilers = modules
        .chunks(modules.len().div_ceil(at_once))
        .map(|modules| {
            let mut erlc = otp.command("erlc");
            erlc.arg("-Werror").arg("-o").arg(directory).args(modules);
            let piped = erlc.stdout(Stdio::piped()).stderr(Stdio::piped());
            piped.spawn().expect("erlc runs")
        });
    for erlc in compilers.collect::<Vec<_>>() {
        let output = erlc.wait_with_output().expect("erlc ends");
        assert!(
            output.status.success(),
            "erlc: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
