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

pub(crate) fn bash() -> String {
    let names = |own| options(own).flat_map(Flag::spellings).collect::<Vec<_>>().join(" ");
    format!(
        r#"# Completion of register(1) for bash.
# shellcheck shell=bash
_register() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}}
    local side=before word options list
    local targets='{targets}'
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD - 1}}"; do
        [[ $word == -- ]] && side=after
    done
    COMPREPLY=()
    case $side,$prev in
        {folder}) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
        {command}) mapfile -t COMPREPLY < <(compgen -c -- "$cur"); return ;;
        {anything}) return ;;
        {yes_no}) targets="yes no $targets" ;;
    esac
    case $side in
        before) options='-- {before}' ;;
        after) options='{after}' ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
    else
        list=${{cur%"${{cur##*,}}"}}
        mapfile -t COMPREPLY < <(compgen -P "$list" -W "$targets" -- "${{cur##*,}}")
    fi
}}
complete -F _register register
"#,
        targets = targets(),
        folder = after(Kind::Folder),
        command = after(Kind::Command),
        anything = after(Kind::Any),
        yes_no = after(YES_NO),
        before = names(SIDES[0].1),
        after = names(SIDES[1].1),
    )
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
    format!(
        r#"#compdef register
# Completion of register(1) for zsh.
local side=before
local -a options targets
targets=({targets})
(( ${{words[(ie)--]}} < CURRENT )) && side=after
case $side,$words[CURRENT-1] in
    {folder}) _files -/; return ;;
    {command}) _command_names -e; return ;;
    {anything}) return 1 ;;
    {yes_no}) targets=(yes no $targets) ;;
esac
if [[ $side == before ]]; then
    options=(
{before}    )
else
    options=(
{after}    )
fi
if [[ $PREFIX == -* ]]; then
    _describe -o option options
else
    compset -P '*,'
    compadd -a targets
fi
"#,
        targets = targets(),
        folder = after(Kind::Folder),
        command = after(Kind::Command),
        anything = after(Kind::Any),
        yes_no = after(YES_NO),
        before = described(SIDES[0].1),
        after = described(SIDES[1].1),
    )
}

pub(crate) fn fish() -> String {
    let mut script = String::from(
        "# Completion of register(1) for fish.\n\
         function __register_is\n    \
             set -l words (commandline -opc)\n    \
             set -l side before\n    \
             contains -- -- $words; and set side after\n    \
             test \"$side\" = \"$argv[1]\"; or return\n    \
             test (count $argv) -eq 1; or contains -- $words[-1] $argv[2..]\n\
         end\n",
    );
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
