//! The machine's apt sources, read as apt reads them (sources.list(5), and apt 2.6's `pkgSourceList`).
//!
//! What apt would refuse is passed over here: apt reports it better, and the machine may not use apt at all.

use std::path::Path;

use crate::limits;

/// The URLs of the archives that the machine's apt takes binary packages of the component `main` from, those of security suites left
/// out: out of `sources.list`, then out of `sources.list.d` by name, under `etc_apt` (`/etc/apt`).
pub fn sources(etc_apt: &Path) -> Vec<String> {
    let parts = std::fs::read_dir(etc_apt.join("sources.list.d")).into_iter().flatten().flatten();
    let mut paths: Vec<_> = parts.map(|entry| entry.path()).filter(|path| is_taken(path)).collect();
    paths.sort();
    paths.insert(0, etc_apt.join("sources.list"));
    let read = |path: &std::path::PathBuf| {
        let text = limits::read_text(path, limits::APT_SOURCES).ok()?;
        let deb822 = path.extension().is_some_and(|extension| extension == "sources");
        Some(if deb822 { in_stanzas(&text) } else { in_lines(&text) })
    };
    paths.iter().filter_map(read).flatten().collect()
}

/// True of the names that apt takes from a folder: apt.conf(5) names their letters.
fn is_taken(path: &Path) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    !name.starts_with('.') && name.bytes().all(letters) && matches!(extension, Some("list" | "sources"))
}

/// Of one-line sources: `deb [option=value …] URI suite component…`.
pub(crate) fn in_lines(text: &str) -> Vec<String> {
    let uri = |line: &str| {
        let mut words = words(line).into_iter();
        if words.next()? != "deb" {
            return None;
        }
        let mut word = words.next()?;
        if word.starts_with('[') {
            word = words.next()?;
        }
        let suite = words.next()?;
        let wanted = !suite.contains("security") && words.any(|component| component == "main");
        wanted.then_some(word)
    };
    text.lines().filter_map(uri).collect()
}

/// The words of a line up to a comment. Brackets and quotation marks hold words together, as in `cdrom:[Debian 12]/` and
/// `[ arch=amd64 ]`; the latter are not part of a word.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut in_brackets, mut in_quotes) = (false, false);
    for c in line.chars() {
        match c {
            '#' if !in_brackets => break,
            '"' => in_quotes = !in_quotes,
            c if c.is_ascii_whitespace() && !in_brackets && !in_quotes => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
            }
            c => {
                in_brackets = (in_brackets || c == '[') && c != ']';
                word.push(c);
            }
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// Of sources in deb822: fields of any case, each the last of its name; values that go on in further lines; comments at the
/// beginning of a line only; and empty lines between stanzas.
pub(crate) fn in_stanzas(text: &str) -> Vec<String> {
    let mut uris = Vec::new();
    let mut stanza: Vec<(String, String)> = Vec::new();
    // An empty line ends the last stanza, too.
    for line in text.lines().filter(|line| !line.starts_with('#')).chain([""]) {
        if line.is_empty() {
            uris.extend(in_stanza(&std::mem::take(&mut stanza)));
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = stanza.last_mut() {
                value.push(' ');
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            stanza.push((name.trim_end().to_ascii_lowercase(), value.to_owned()));
        }
    }
    uris
}

fn in_stanza(stanza: &[(String, String)]) -> Vec<String> {
    let value = |name: &str| stanza.iter().rfind(|(other, _)| other == name).map_or("", |(_, value)| value);
    let has = |name: &str, word: &str| value(name).split_ascii_whitespace().any(|other| other == word);
    let wanted = has("types", "deb")
        && has("components", "main")
        && !value("suites").contains("security")
        && !is_no(value("enabled"));
    value("uris").split_ascii_whitespace().filter(|_| wanted).map(str::to_owned).collect()
}

/// True of what apt's `StringToBool` takes for no: some words, and zero as C writes it.
fn is_no(value: &str) -> bool {
    let value = value.trim_ascii().to_ascii_lowercase();
    let digits = value.strip_prefix(['+', '-']).unwrap_or(&value);
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let zero = !digits.is_empty() && digits.bytes().all(|byte| byte == b'0');
    zero || matches!(value.as_str(), "no" | "false" | "without" | "off" | "disable")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sources of one file under `sources.list.d`. `testbed`'s test `apt` compares such files with what apt says.
    fn check(name: &str, text: &str, expected: &[&str]) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("sources.list.d")).unwrap();
        std::fs::write(dir.path().join("sources.list.d").join(name), text).unwrap();
        assert_eq!(sources(dir.path()), expected, "{name}: {text:?}");
    }

    const X: &[&str] = &["http://x/debian"];

    #[test]
    fn lines_are_read_as_apt_reads_them() {
        let check = |text, expected| check("a.list", text, expected);
        check("deb http://x/debian bookworm main\n", X);
        check("deb\thttp://x/debian\tbookworm\tmain", X);
        check("  deb   http://x/debian bookworm contrib main # c\r\n", X);
        check("deb [ arch=amd64 ] http://x/debian bookworm main", X);
        check("deb\t[arch=amd64\tsigned-by=/a#b]\thttp://x/debian\tbookworm\tmain", X);
        check("deb \"http://x/debian\" \"bookworm\" main", X);
        check("deb http://x/debian bookworm main#c", X);
        check("deb cdrom:[Debian 12]/debian bookworm main", &["cdrom:[Debian 12]/debian"]);
        check("# deb http://x/debian bookworm main", &[]);
        check("deb-src http://x/debian bookworm main", &[]);
        check("deb http://x/debian bookworm contrib", &[]);
        check("deb http://x/debian bookworm-security main", &[]);
        check("deb http://x/debian bookworm # main", &[]);
        check("deb [arch=amd64", &[]);
        check("deb", &[]);
        check("Types: deb\nURIs: http://x/debian\nSuites: sid\nComponents: main\n", &[]);
    }

    #[test]
    fn stanzas_are_read_as_apt_reads_them() {
        let check = |text: &str, expected| {
            check("a.sources", text, expected);
            check("a.sources", &text.replace('\n', "\r\n"), expected);
        };
        let stanza = |uri: &str| format!("Types: deb\nURIs: {uri}\nSuites: bookworm\nComponents: main\n");
        let x = stanza("http://x/debian");
        check(&x, X);
        check(x.trim_end(), X);
        check(&x.replace(": ", ":\t"), X);
        check(&x.replace(": ", ":\n\t"), X);
        check(&x.replace(": ", " :"), X);
        check(&x.to_ascii_lowercase(), X);
        check(&format!("\n\n# c\n{}\n\n#x\n\n", x.replace('\n', "\n# c\n")), X);
        check(&format!("{x}Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n"), X);
        let two = &["http://x/debian", "http://y/debian"];
        check(&stanza("http://x/debian\thttp://y/debian"), two);
        check(&stanza("\n http://x/debian\n# c\n http://y/debian"), two);
        check(&format!("{x}\n{}", stanza("http://y/debian")), two);
        // Spaces do not end a stanza, and the last field of a name counts.
        check(&format!("{x} \t\n{}", stanza("http://y/debian")), &["http://y/debian"]);
        check(&x.replace("deb\n", "deb deb-src\n"), X);
        check(&x.replace("deb\n", "deb-src\n"), &[]);
        check(&x.replace("main", "contrib"), &[]);
        check(&x.replace("bookworm", "bookworm bookworm-security"), &[]);
        check("deb http://x/debian bookworm main\n", &[]);
    }

    #[test]
    fn enabled_has_every_no_of_apt() {
        let check = |value: &str, expected| {
            let text = "Types: deb\nURIs: http://x/debian\nSuites: bookworm\nComponents: main\n";
            check("a.sources", &format!("{text}Enabled: {value}\n"), expected);
        };
        for no in
            ["no", "No", "NO", "\tno ", "false", "0", "00", "0x0", "-0", "+0", "off", "without", "disable"]
        {
            check(no, &[]);
        }
        for yes in ["yes", "true", "1", "2", "no yes", "n", "", "disabled", "none"] {
            check(yes, X);
        }
    }

    #[test]
    fn files_are_taken_by_name_and_in_order() {
        let line = "deb http://x/debian bookworm main\n";
        for name in ["A_b-1.2.list", "list.list"] {
            check(name, line, X);
        }
        for name in ["a b.list", ".a.list", "a.list~", "a+b.list", "ä.list", "a.bak", "list"] {
            check(name, line, &[]);
        }
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(sources(dir.path()), [""; 0]);
        std::fs::create_dir(dir.path().join("sources.list.d")).unwrap();
        for name in ["b.list", "a.sources", "B.list", "10.list", "9.list"] {
            let text = match name.ends_with("list") {
                true => format!("deb {name} sid main"),
                false => format!("Types: deb\nURIs: {name}\nSuites: sid\nComponents: main"),
            };
            std::fs::write(dir.path().join("sources.list.d").join(name), text).unwrap();
        }
        std::fs::write(dir.path().join("sources.list"), "deb main sid main").unwrap();
        assert_eq!(sources(dir.path()), ["main", "10.list", "9.list", "B.list", "a.sources", "b.list"]);
    }
}
