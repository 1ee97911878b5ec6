//! The lock's text. Written by hand rather than by a serializer, so that its bytes are this project's to decide.

use std::fmt::{self, Formatter};

use arch::Target;
use base::Quoted;

use super::Lock;
use crate::date;

const HEADER: &str = "\
# Every Debian package that the images are built from, pinned by size and digest.
# Made by `cargo xtask lock` out of images.toml; do not edit. `cargo xtask lock --check` tells what is newer.
";

/// Long lists go one entry a line, and empty ones nowhere.
fn list<'a>(f: &mut Formatter<'_>, key: &str, values: impl Iterator<Item = &'a str>) -> fmt::Result {
    let values: Vec<&str> = values.collect();
    if values.is_empty() {
        return Ok(());
    }
    if values.len() <= 4 {
        let quoted: Vec<String> = values.iter().map(|value| Quoted(value).to_string()).collect();
        return writeln!(f, "{key} = [{}]", quoted.join(", "));
    }
    writeln!(f, "{key} = [")?;
    for value in values {
        writeln!(f, "    {},", Quoted(value))?;
    }
    writeln!(f, "]")
}

pub(super) fn write(f: &mut Formatter<'_>, lock: &Lock) -> fmt::Result {
    f.write_str(HEADER)?;
    writeln!(f, "version = 1")?;
    for suite in lock.suites() {
        writeln!(f, "\n[[suite]]")?;
        writeln!(f, "name = {}", Quoted(&suite.name))?;
        writeln!(f, "codename = {}", Quoted(&suite.codename))?;
        writeln!(f, "date = {}", Quoted(&date::iso(suite.date)))?;
        writeln!(f, "snapshot = {}", Quoted(&suite.snapshot()))?;
        writeln!(f, "inrelease = {}", Quoted(&suite.inrelease.to_string()))?;
        if suite.allow_expired {
            writeln!(f, "allow-expired = true")?;
        }
        if suite.allow_older {
            writeln!(f, "allow-older = true")?;
        }
        list(f, "without", suite.without.iter().map(|host| host.name()))?;
    }
    for package in lock.packages() {
        writeln!(f, "\n[[package]]")?;
        writeln!(f, "host = {}", Quoted(package.host.name()))?;
        writeln!(f, "name = {}", Quoted(&package.name))?;
        writeln!(f, "version = {}", Quoted(&package.version))?;
        writeln!(f, "architecture = {}", Quoted(package.host.debian()))?;
        writeln!(f, "suite = {}", Quoted(&package.suite))?;
        writeln!(f, "path = {}", Quoted(&package.path))?;
        writeln!(f, "size = {}", package.size)?;
        writeln!(f, "digest = {}", Quoted(&package.digest.to_string()))?;
        list(f, "targets", package.targets().map(Target::name))?;
        list(f, "passed-over", package.passed_over.iter().map(|target| target.name()))?;
        list(f, "series", package.series.iter().map(|target| target.name()))?;
    }
    for (source, dsc) in lock.sources() {
        writeln!(f, "\n[[source]]")?;
        writeln!(f, "name = {}", Quoted(&source.name))?;
        writeln!(f, "version = {}", Quoted(&source.version))?;
        writeln!(f, "path = {}", Quoted(&dsc.path))?;
        writeln!(f, "digest = {}", Quoted(&dsc.digest.to_string()))?;
    }
    Ok(())
}
