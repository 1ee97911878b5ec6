//! Arguments that are refused, and in what words.

use std::process::Command;

/// The message of the first error that the command line has.
fn refused(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn no_folder_is_stdout() {
    for arguments in [
        &["images", "--output", "-"][..],
        &["release", "--output", "-"],
        &["release", "--layout", "-"],
        &["report", "--output", "-"],
        &["report", "--layout", "-"],
        &["man", "-"],
    ] {
        let (_, rest) = arguments.split_last().unwrap();
        let error = refused(arguments);
        assert!(error.contains("a folder is meant, not stdout; one of this name is `./-`"), "{error}");
        // As it says: then it is the other argument alone that is wrong.
        let error = refused(&[rest, &["./-", "--colour"]].concat());
        assert!(error.contains("unexpected argument '--colour'"), "{error}");
    }
}

#[test]
fn wrong_names_get_suggestions() {
    for (option, name, expected) in [
        ("--host", "amd46", "unknown host `amd46` (did you mean `amd64`?)"),
        ("--host", "amd64,amd46", "unknown host `amd46` (did you mean `amd64`?)"),
        ("--target", "aarch46", "unknown target `aarch46` (did you mean `aarch64`?)"),
        ("--kind", "ful", "unknown kind `ful` (did you mean `full`?)"),
    ] {
        let error = refused(&["images", option, name]);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn nothing_at_a_time_is_refused_in_plain_words() {
    for [command, option, value] in [
        ["images", "--jobs", "0"],
        ["verify", "--jobs", "none"],
        ["release", "--jobs", "0"],
        ["e2e", "--parallel", "0"],
    ] {
        let error = refused(&[command, option, value]);
        let expected = format!(
            "error: invalid value '{value}' for '{option} <N>': it takes a whole number, 1 or more\n"
        );
        assert!(error.starts_with(&expected), "{error}");
    }
}
