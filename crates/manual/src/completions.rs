//! Completions for `register`, whose two sides of `--` no generator knows: made from its tables.

use arch::Target;
use register::args::options::{AFTER, BEFORE, EITHER, Opt};
use usage::{Flag, Kind};

use crate::blocks::meaning;

/// The sides of `--`: the name in the scripts, and the options that come only there.
const SIDES: [(&str, &[Flag<Opt>]); 2] = [("before", &BEFORE), ("after", &AFTER)];

/// The options of a side.
fn options(own: &'static [Flag<Opt>]) -> impl Iterator<Item = &'static Flag<Opt>> {
    own.iter().chain(&EITHER)
}

/// The documented names of all options with such a value, each after its side, as alternatives of a shell's `case`.
fn after(kind: Kind) -> String {
    let mut alternatives = Vec::new();
    for (side, own) in SIDES {
        for flag in options(own).filter(|flag| flag.value.kind() == Some(kind)) {
            alternatives.extend(flag.spellings().map(|name| format!("{side},{name}")));
        }
    }
    alternatives.join(" | ")
}

const YES_NO: Kind = Kind::Word("yes no");

fn targets() -> String {
    let names: Vec<&str> = Target::all().map(Target::name).collect();
    names.join(" ")
}

/// A script with what is made from the tables in the place of `@NAME@`.
fn fill(script: &str, own: &[(&str, String)]) -> String {
    let shared = [
        ("targets", targets()),
        ("folder", after(Kind::Folder)),
        ("command", after(Kind::Command)),
        ("anything", after(Kind::Any)),
        ("yes_no", after(YES_NO)),
    ];
    crate::fill(script, shared.iter().chain(own))
}

pub(crate) fn bash() -> String {
    let names = |own| options(own).flat_map(Flag::spellings).collect::<Vec<_>>().join(" ");
    fill(include_str!("register.bash"), &SIDES.map(|(side, own)| (side, names(own))))
}

pub(crate) fn zsh() -> String {
    let described = |own| {
        let mut lines = String::new();
        for flag in options(own) {
            for name in flag.spellings() {
                let text = meaning(flag).replace('\'', "'\\''");
                lines.push_str(&format!("        '{name}:{text}'\n"));
            }
        }
        lines
    };
    fill(include_str!("register.zsh"), &SIDES.map(|(side, own)| (side, described(own))))
}

pub(crate) fn fish() -> String {
    let mut script = include_str!("register.fish").to_owned();
    for (side, own) in SIDES {
        for flag in options(own) {
            let text = meaning(flag).replace('\\', "\\\\").replace('\'', "\\'");
            let names = flag.spellings().collect::<Vec<_>>().join(" ");
            // To fish nothing after `--` is an option, so that all of these are arguments.
            script.push_str(&format!(
                "complete -c register -f -n '__register_is {side}' -a '{names}' -d '{text}'\n"
            ));
            let values = match flag.value.kind() {
                Some(Kind::Word(words)) => words,
                Some(Kind::Folder) => "(__fish_complete_directories)",
                Some(Kind::Command) => "(__fish_complete_command)",
                Some(Kind::Targets | Kind::Any) | None => continue,
            };
            script.push_str(&format!(
                "complete -c register -f -n '__register_is {side} {names}' -a '{values}'\n"
            ));
        }
    }
    script.push_str(&format!("complete -c register -f -a '{}' -d target\n", targets()));
    script
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// The completions of bash at the end of `words`.
    fn completed(words: &[&str]) -> Vec<String> {
        let script = format!(
            "{}\nCOMP_WORDS=(\"$@\")\nCOMP_CWORD=$(($# - 1))\n_register\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
            bash()
        );
        let output =
            Command::new("bash").args(["--norc", "-c", &script, "bash"]).args(words).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn bash_completes_each_side_of_the_dashes() {
        for (words, expected) in [
            (&["register", "--li"][..], &["--list"][..]),
            (&["register", "--", "--li"], &[]),
            (&["register", "-s", "--", "--pe"], &["--persistent"]),
            (&["register", "-s", "--pe"], &[]),
            (&["register", "-s", "--", "-p", "aarch"], &["aarch64", "aarch64_be"]),
            (&["register", "-s", "--", "-p", "y"], &["yes"]),
            (&["register", "-t", "arm,s390"], &["arm,s390x"]),
            (&["register", "--", "-F", "a"], &[]),
            (&["register", "--mount", "/pro"], &["/proc"]),
            (&["register", "--", "-e", "/pro"], &["/proc"]),
            (&["register", "-i", "mapfil"], &["mapfile"]),
        ] {
            assert_eq!(completed(words), expected, "{words:?}");
        }
    }

    #[test]
    fn every_option_is_in_every_script() {
        let scripts = [bash(), zsh(), fish()];
        for name in SIDES.iter().flat_map(|(_, own)| options(own)).flat_map(Flag::spellings) {
            for script in &scripts {
                assert!(script.contains(&name), "{name}: {script}");
            }
        }
    }
}
