//! `Sources`: the description (.dsc) of each source package that a suite has, by digest.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Read};

use sha256::Digest;

use crate::about::Source;
use crate::lock::Dsc;
use crate::pool::is_pool_path;
use crate::stanzas::{self, Error, Stanza};

/// The descriptions of `wanted` in a `Sources.xz`; what is not in it is left out.
///
/// A suite has sources in several versions: those that packages of some architectures are still built from, and those that are in
/// some package's `Built-Using` (`Extra-Source-Only`).
pub fn find<R: Read>(sources_xz: R, wanted: &BTreeSet<Source>) -> Result<BTreeMap<Source, Dsc>, Error> {
    find_in(stanzas::decoded(sources_xz)?, wanted)
}

/// [`find`], on the plain text.
pub fn find_in<R: BufRead>(sources: R, wanted: &BTreeSet<Source>) -> Result<BTreeMap<Source, Dsc>, Error> {
    let names: BTreeSet<&str> = wanted.iter().map(|source| source.name.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let mut found = BTreeMap::new();
    stanzas::walk(sources, Some(&names), &mut |stanza| {
        let version = stanza.field("Version")?.to_owned();
        let source = Source { name: stanza.name.clone(), version };
        if wanted.contains(&source) {
            let dsc = parse(&stanza)?;
            if found.get(&source).is_some_and(|other| *other != dsc) {
                return Err(stanza.malformed(format!("two descriptions of {}", source.version)));
            }
            found.insert(source, dsc);
        }
        Ok(())
    })?;
    Ok(found)
}

fn parse(stanza: &Stanza) -> Result<Dsc, Error> {
    const SUMS: &str = "Checksums-Sha256";
    let sums = stanza.field(SUMS)?;
    let mut descriptions = sums.lines().map(str::trim).filter(|line| line.ends_with(".dsc"));
    let (Some(line), None) = (descriptions.next(), descriptions.next()) else {
        return Err(stanza.malformed(format!("`{SUMS}` does not name one .dsc")));
    };
    let odd = || stanza.malformed(format!("`{SUMS}` has the line `{line}`"));
    let words: Vec<&str> = line.split_whitespace().collect();
    let [hex, size, file] = words[..] else { return Err(odd()) };
    let digest = Digest::from_hex(hex).map_err(|_| odd())?;
    if size.parse::<u64>().is_err() || file.contains('/') {
        return Err(odd());
    }
    let folder = stanza.field("Directory")?;
    let path = format!("{folder}/{file}");
    match is_pool_path(&path) {
        true => Ok(Dsc { path, digest }),
        false => Err(stanza.malformed(format!("`{path}` is no path in an archive"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stanza as Debian's, with `sums` as its checksums.
    fn stanza(version: &str, folder: &str, sums: &[&str]) -> String {
        let sums: String = sums.iter().map(|sum| format!("\n {sum}")).collect();
        format!(
            "Package: qemu\nBinary: qemu-user, qemu-user-binfmt\nVersion: {version}\nFiles:\n 00 5 qemu.dsc\n\
             Checksums-Sha256:{sums}\nDirectory: {folder}\nExtra-Source-Only: yes\n\n"
        )
    }

    fn sum(file: &str) -> String {
        format!("{} 5 {file}", Digest::of(file.as_bytes()).hex())
    }

    const FOLDER: &str = "pool/main/q/qemu";
    const VERSION: &str = "1:11.1.3+ds-1";
    const FILE: &str = "qemu_11.1.3+ds-1.dsc";

    fn check(text: &str, expected: Result<&[&str], &str>) {
        let wanted = [VERSION, "1:10.2.2+ds-1"]
            .map(|version| Source { name: "qemu".to_owned(), version: version.to_owned() });
        let found = find_in(text.as_bytes(), &wanted.into()).map_err(|error| error.to_string());
        let found = found.map(|found| {
            let line = |(source, dsc): (Source, Dsc)| {
                // The digest is that of the file's name.
                assert_eq!(dsc.digest, Digest::of(dsc.path.rsplit('/').next().unwrap().as_bytes()));
                format!("{} {} {}", source.name, source.version, dsc.path)
            };
            found.into_iter().map(line).collect::<Vec<_>>()
        });
        let expected = expected.map(|lines| lines.iter().map(|line| (*line).to_owned()).collect());
        assert_eq!(found, expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn a_description_is_found_by_name_and_exact_version() {
        let (orig, dsc) = (sum("qemu_11.1.3+ds.orig.tar.xz"), sum(FILE));
        let good = stanza(VERSION, FOLDER, &[&orig, &dsc]);
        let old = stanza("1:10.2.2+ds-1", FOLDER, &[&sum("qemu_10.2.2+ds-1.dsc")]);
        let other = stanza("1:9.0", FOLDER, &[]);
        let [new_line, old_line] = [
            "qemu 1:11.1.3+ds-1 pool/main/q/qemu/qemu_11.1.3+ds-1.dsc",
            "qemu 1:10.2.2+ds-1 pool/main/q/qemu/qemu_10.2.2+ds-1.dsc",
        ];
        check(&good, Ok(&[new_line]));
        check(good.trim_end(), Ok(&[new_line]));
        // Nothing is asked of a version that nobody wants.
        check(&format!("{other}{good}{old}"), Ok(&[old_line, new_line]));
        check(&good.replace("Package: qemu\n", "Package: qemu-web\n"), Ok(&[]));
        // The epoch is a part of the version.
        check(&good.replace("1:11", "11"), Ok(&[]));
        check("", Ok(&[]));
    }

    #[test]
    fn one_version_has_one_description() {
        let good = stanza(VERSION, FOLDER, &[&sum(FILE)]);
        check(&format!("{good}{good}"), Ok(&["qemu 1:11.1.3+ds-1 pool/main/q/qemu/qemu_11.1.3+ds-1.dsc"]));
        let twice = Err("package `qemu`: two descriptions of 1:11.1.3+ds-1");
        check(&format!("{good}{}", stanza(VERSION, FOLDER, &[&sum("qemu_1.dsc")])), twice);
        check(&format!("{good}{}", stanza(VERSION, "pool/main/q/qemu2", &[&sum(FILE)])), twice);
    }

    #[test]
    fn odd_stanzas_are_errors() {
        let dsc = sum(FILE);
        let without = |field: &str| {
            let good = stanza(VERSION, FOLDER, &[&dsc]);
            good.replace(&format!("{field}:"), &format!("X-{field}:"))
        };
        check(&without("Version"), Err("package `qemu`: no `Version`"));
        check(&without("Directory"), Err("package `qemu`: no `Directory`"));
        check(&without("Checksums-Sha256"), Err("package `qemu`: no `Checksums-Sha256`"));
        let [tar, other] = [sum("qemu.tar.xz"), sum("other.dsc")];
        for sums in [&[][..], &[tar.as_str()], &[&dsc, &other], &[&dsc, &dsc]] {
            let expected = "package `qemu`: `Checksums-Sha256` does not name one .dsc";
            check(&stanza(VERSION, FOLDER, sums), Err(expected));
        }
        let hex = Digest::of(FILE.as_bytes()).hex();
        for line in [
            format!("{hex} {FILE}"),
            format!("{hex} 5 5 {FILE}"),
            format!("00 5 {FILE}"),
            format!("{hex} -5 {FILE}"),
            format!("{hex} 99999999999999999999 {FILE}"),
            format!("{hex} 5 ../{FILE}"),
            format!("{hex} 5 a/{FILE}"),
        ] {
            let expected = format!("package `qemu`: `Checksums-Sha256` has the line `{line}`");
            check(&stanza(VERSION, FOLDER, &[&line]), Err(&expected));
        }
        for (folder, file) in [
            ("pool/../../etc", FILE),
            ("/pool/main", FILE),
            ("", FILE),
            ("pool/%2e%2e", FILE),
            ("http://example.org", FILE),
            (FOLDER, "%2e%2e.dsc"),
            (FOLDER, "qemu?x.dsc"),
        ] {
            let expected = format!("package `qemu`: `{folder}/{file}` is no path in an archive");
            check(&stanza(VERSION, folder, &[&sum(file)]), Err(&expected));
        }
        check(
            &stanza(VERSION, FOLDER, &[&dsc]).replacen('\n', "\n qemu\n", 1),
            Err("package `qemu`: `Package` has more than one line"),
        );
    }

    #[test]
    fn stanzas_have_the_limit_of_packages() {
        let good = stanza(VERSION, FOLDER, &[&sum(FILE)]);
        let filled = |size: usize| {
            let head = format!("{}\nX: ", good.trim_end());
            format!("{head}{}\n\n", "x".repeat(size - head.len() - 1))
        };
        let limit = crate::limits::STANZA;
        check(&filled(limit), Ok(&["qemu 1:11.1.3+ds-1 pool/main/q/qemu/qemu_11.1.3+ds-1.dsc"]));
        check(&filled(limit + 1), Err("the list of packages has a stanza of more than 1048576 bytes"));
    }
}
