//! The text of results. Written by hand, as the lock is: a workload a line.

use std::fmt::{self, Display, Formatter};

use base::Quoted;

use crate::system::Results;

const HEADER: &str = "\
# What came of real programs under each QEMU, and the seconds that those that pass took.
# Made by `cargo xtask conformance --record`; do not edit. docs/conformance.md says what it means and chooses.
version = 1
";

/// A key, quoted if it has to be.
struct Name<'a>(&'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        match !self.0.is_empty() && self.0.bytes().all(is_bare) {
            true => f.write_str(self.0),
            false => Quoted(self.0).fmt(f),
        }
    }
}

impl Display for Results {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        for (key, system) in &self.systems {
            writeln!(f, "\n[[system]]")?;
            writeln!(f, "host = {}", Quoted(key.host.name()))?;
            writeln!(f, "target = {}", Quoted(key.target.name()))?;
            writeln!(f, "architecture = {}", Quoted(&key.architecture))?;
            writeln!(f, "suite = {}", Quoted(&key.suite))?;
            writeln!(f, "\n[system.qemu]")?;
            for (series, qemu) in &system.qemus {
                let (version, package) = (Quoted(&qemu.version), Quoted(&qemu.package));
                writeln!(f, "{series} = {{ version = {version}, package = {package} }}")?;
            }
            writeln!(f, "\n[system.workload]")?;
            for (workload, cells) in &system.workloads {
                let cells: Vec<String> =
                    cells.iter().map(|(series, cell)| format!("{series} = \"{cell}\"")).collect();
                writeln!(f, "{} = {{ {} }}", Name(workload), cells.join(", "))?;
            }
        }
        Ok(())
    }
}
