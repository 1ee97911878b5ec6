//! The amount of a run's output: `--quiet`, `--verbose`, and in which colours.

use super::archive;
use crate::line::{Line, Output};

const PKG: [&str; 3] = ["images", "--kind", "pkg"];

fn with(more: &[&'static str]) -> Vec<&'static str> {
    [&PKG[..], more].concat()
}

/// The lines, sorted, since downloads go on beside other work; without the signs of life, which a busy machine may add.
fn lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("still ")).collect();
    lines.sort_unstable();
    lines
}

#[track_caller]
fn check(output: &Output, expected: &[&str]) {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(lines(&output.stderr), expected);
}

#[test]
fn quiet_prints_the_result_alone() {
    let line = Line::locked(&["mipsel"]);
    let plain = line.run(&PKG).success();
    assert!(!plain.stderr.is_empty());
    line.forget_layers();
    for quiet in ["--quiet", "-q"] {
        let built = line.run(&with(&[quiet])).success();
        assert_eq!((built.stderr.as_str(), built.stdout), ("", plain.stdout.clone()));
    }
    // Wherever the option stands; and `lock`, from an archive that has changed.
    line.serve(&archive("1:11.2.0+ds-1", &["mipsel"]));
    let locked = line.run(&["--quiet", "lock"]).success();
    assert_eq!(locked.stderr, "");
    assert!(locked.stdout.contains("11.2"), "{}", locked.stdout);
}

#[test]
fn quiet_prints_errors_and_warnings() {
    let line = Line::locked(&["mipsel"]);
    line.write(
        "images/images.toml",
        "repository = \"docker.io/aptman/qus\"\nsuites = [\"sid\"]\nhosts = [\"mipsel\", \"s390x\"]\n",
    );
    let built = line.run(&with(&["--quiet", "--host", "mipsel"])).success();
    let warning = "warning: images/debian.lock is not of this images/images.toml: it has no packages for the host `s390x`; \
                   run `cargo xtask lock`\n";
    assert_eq!(built.stderr, warning);
    let failed = line.run(&with(&["--quiet"])).failure(1);
    let error =
        "error: images/debian.lock has no packages for the host `s390x`\nhint: run `cargo xtask lock`\n";
    assert_eq!(failed.stderr, error);
}

#[test]
fn verbose_says_what_is_fetched_and_what_is_reused() {
    let line = Line::locked(&["mipsel"]);
    let lock = debian::lock::Lock::parse(&line.read("images/debian.lock")).unwrap();
    let package = lock.qemu("mipsel".parse().unwrap()).next().unwrap();
    let (name, url) = (package.path.rsplit('/').next().unwrap(), line.url());
    let layout = format!("{}/target/images", line.root());
    let making =
        ["making layers, host by host", "mipsel: compressing 33 binaries", &format!("wrote {layout}")];

    let cached = line.run(&with(&["--verbose"])).success();
    let none = "mipsel: 0 layers of Debian's programs reused, 1 to be made";
    check(&cached, &[&making[..], &[none, &format!("in the cache: {name}")]].concat());

    let reused = line.run(&with(&["-v"])).success();
    let all = "mipsel: 1 layer of Debian's programs reused, 0 to be made";
    check(&reused, &[all, &format!("nothing changed in {layout}")]);

    std::fs::remove_dir_all(line.path("cache")).unwrap();
    std::fs::remove_dir_all(line.path("target")).unwrap();
    let fetched = line.run(&with(&["--verbose"])).success();
    let fetching = [
        none,
        &format!("fetching from {url} (QUS_MIRROR)"),
        &format!("{name} ({})", base::size(package.size)),
        &format!("fetched {url}/{}", package.path),
    ];
    check(&fetched, &[&making[..], &fetching].concat());
}

#[test]
fn colours_are_for_the_words_that_messages_begin_with() {
    let line = Line::locked(&["mipsel"]);
    let refused = ["images", "--host", "s390x", "--kind", "pkg"];
    let run = |color: &[&'static str], variables: &[(&str, &str)]| {
        line.run_with(&[&refused[..], color].concat(), variables).failure(1).stderr
    };
    let plain = run(&[], &[]);
    assert!(
        plain.starts_with("error: ") && plain.contains("\nhint: ") && !plain.contains('\u{1b}'),
        "{plain}"
    );
    let word = |word: &str, color: u8| format!("\u{1b}[1m\u{1b}[{color}m{word}\u{1b}[0m");
    let colored = plain.replacen("error:", &word("error:", 91), 1).replacen(
        "\nhint:",
        &format!("\n{}", word("hint:", 96)),
        1,
    );
    assert_eq!(run(&["--color", "always"], &[("NO_COLOR", "1")]), colored);
    assert_eq!(run(&[], &[("CLICOLOR_FORCE", "1")]), colored);
    for (color, variables) in [
        (&["--color", "never"][..], &[("CLICOLOR_FORCE", "1")][..]),
        (&["--color", "auto"], &[]),
        (&[], &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]),
    ] {
        assert_eq!(run(color, variables), plain, "{color:?} {variables:?}");
    }
}

#[test]
fn quiet_and_verbose_are_no_pair() {
    let line = Line::locked(&["mipsel"]);
    let refused = line.run(&with(&["--quiet", "--verbose"])).failure(2);
    let expected = "error: the argument '--quiet' cannot be used with '--verbose'\n";
    assert!(refused.stderr.starts_with(expected), "{}", refused.stderr);
}

/// In nothing that is printed or kept: lock, cache, layout.
#[test]
fn a_mirrors_password_is_nowhere() {
    let line = Line::locked(&["mipsel"]);
    let mirror = line.url().replace("http://", "http://ada:s3cret@");
    let runs: [&[&str]; 7] = [
        &["lock", "--verbose"],
        &["lock", "--check", "--json"],
        &["images", "--kind", "pkg", "--dry-run"],
        &["images", "--kind", "pkg", "--verbose", "--json"],
        &["release", "--host", "mipsel", "--level", "quick", "--json"],
        &["cache", "--json"],
        &["report", "--json"],
    ];
    std::fs::remove_dir_all(line.path("cache")).unwrap();
    for arguments in runs {
        let done = line.run_with(arguments, &[("QUS_MIRROR", &mirror)]).success();
        assert!(
            !done.stdout.contains("s3cret") && !done.stderr.contains("s3cret"),
            "{arguments:?}: {done:?}"
        );
    }
    line.close();
    let failed = line.run_with(&["lock"], &[("QUS_MIRROR", &mirror)]).failure(1);
    assert!(
        failed.stderr.contains("http://***@127.0.0.1:") && !failed.stderr.contains("s3cret"),
        "{failed:?}"
    );
    let mut folders = vec![line.path("")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                assert!(!bytes.windows(6).any(|window| window == b"s3cret"), "{}", path.display());
            }
        }
    }
}
