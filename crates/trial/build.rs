//! Makes a table of the programs in the folder that the variable `QUS_TRIALS` names: one for each target, under the target's name.
//! `crates/builder/src/cross/trials.rs` builds them. Without the variable, the table is empty.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rustc-check-cfg=cfg(trial)");
    println!("cargo::rerun-if-env-changed=QUS_TRIALS");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let mut rows = String::new();
    if let Some(folder) = env::var_os("QUS_TRIALS") {
        let folder = Path::new(&folder);
        println!("cargo::rerun-if-changed={}", folder.display());
        let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name()));
        let mut names: Vec<_> = names.collect::<io::Result<_>>()?;
        names.sort();
        for name in names {
            fs::copy(folder.join(&name), out.join(&name))?;
            // Relative to the table, which then is the same wherever it is made.
            let name = name.to_string_lossy();
            rows += &format!("    (\"{name}\", include_bytes!(\"{name}\")),\n");
        }
    }
    fs::write(out.join("programs.rs"), format!("&[\n{rows}]\n"))
}
