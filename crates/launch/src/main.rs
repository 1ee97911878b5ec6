//! `cargo xtask`: compiles the maintainer's commands, and becomes them.

use std::borrow::Cow;
use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(message) => {
            say(&format!("error: {message}"));
            ExitCode::FAILURE
        }
    }
}

/// Returns only if that fails.
fn run() -> Result<ExitCode, String> {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    // Set by `cargo run` to the folder of this package (the Cargo book, "Environment Variables").
    let package = env::var_os("CARGO_MANIFEST_DIR").ok_or("only `cargo xtask` starts this program")?;
    let options = options(&arguments);
    let workspace = PathBuf::from(package).join("../..");
    let mut command = qus_launch::cargo(&workspace, &options, &["build", "--package", "xtask"]);
    let is_quiet = options.iter().any(|option| option == "--quiet");
    let still = |parts: usize, elapsed: Duration| {
        if !is_quiet {
            let parts = if parts == 1 { "1 part".to_owned() } else { format!("{parts} parts") };
            say(&format!("still compiling: {parts} in {} s", elapsed.as_secs()));
        }
    };
    let compiled = qus_launch::compile(&mut command, "xtask", still)
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !compiled.status.success() {
        // Cargo has printed why.
        let code = compiled.status.code().and_then(|code| u8::try_from(code).ok());
        return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
    }
    let program = compiled.program.ok_or("cargo names no program `xtask`")?;
    let error = Command::new(&program).args(arguments).exec();
    Err(format!("cannot run {}: {error}", program.display()))
}

/// Cargo's options for the same amount of messages in the same colours as `arguments`, those of `xtask`, ask for.
fn options(arguments: &[OsString]) -> Vec<String> {
    let mut options = Vec::new();
    let mut arguments = arguments.iter().map(|argument| argument.to_string_lossy());
    while let Some(argument) = arguments.next() {
        let color = match argument.strip_prefix("--color") {
            Some("") => arguments.next().map(Cow::into_owned),
            Some(color) => color.strip_prefix('=').map(str::to_owned),
            None => None,
        };
        match &*argument {
            "--" => break,
            "-q" | "--quiet" => options.push("--quiet".into()),
            _ => {}
        }
        // Another value is for `xtask` to refuse.
        if let Some(color) = color.filter(|color| matches!(color.as_str(), "auto" | "always" | "never")) {
            options.extend(["--color".into(), color]);
        }
    }
    options
}

fn say(line: &str) {
    // A closed stderr is no reason to stop.
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_prints_as_much_as_the_command() {
        for (arguments, expected) in [
            (&["images"][..], &[][..]),
            (&["-q", "images"], &["--quiet"]),
            (&["images", "--quiet"], &["--quiet"]),
            (&["images", "--color", "never"], &["--color", "never"]),
            (&["--color=always", "lock", "-q"], &["--color", "always", "--quiet"]),
            (&["--color", "blue", "--colors"], &[]),
            (&["test", "--", "--quiet", "--color=never"], &[]),
        ] {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            assert_eq!(options(&arguments), expected, "{arguments:?}");
        }
    }
}
