//! Completions for `register`, whose two sides of `--` no generator knows: made from its help's outline.

use arch::Target;
use register::help::REGISTER;
use register::help::outline::{self, Block, Opt};

use crate::blocks::meaning;

/// The completions after an option.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    Nothing,
    YesNo,
    Targets,
    Folder,
    Command,
    Anything,
}

impl Value {
    fn of(option: &Opt) -> Value {
        match option.value {
            None => Value::Nothing,
            Some("[yes|no]") => Value::YesNo,
            Some("LIST" | "[TARGETS]") => Value::Targets,
            Some("DIR") => Value::Folder,
            Some(value) if value.starts_with("[COMMAND") => Value::Command,
            Some(_) => Value::Anything,
        }
    }
}

/// One side of `--`: its name in the scripts, and the titles of its options in the help.
const SIDES: [(&str, [&str; 2]); 2] =
    [("before", ["Before --", "On either side"]), ("after", ["After --", "On either side"])];

/// The options of a side.
fn options(titles: &[&str; 2]) -> Vec<Opt> {
    let mut found = Vec::new();
    for block in outline::blocks(REGISTER) {
        if let Block::Options { title: Some(title), options } = block
            && titles.contains(&title)
        {
            found.extend(options);
        }
    }
    found
}

/// The names of all options with such a value, each after its side, as alternatives of a shell's `case`.
fn after(value: Value) -> String {
    let mut alternatives = Vec::new();
    for (side, titles) in &SIDES {
        for option in options(titles).iter().filter(|option| Value::of(option) == value) {
            alternatives.extend(option.names.iter().map(|name| format!("{side},{name}")));
        }
    }
    alternatives.join(" | ")
}

fn targets() -> String {
    let names: Vec<&str> = Target::all().map(Target::name).collect();
    names.join(" ")
}

pub(crate) fn bash() -> String {
    let names = |titles| -> String {
        let names: Vec<_> = options(titles).into_iter().flat_map(|option| option.names).collect();
        names.join(" ")
    };
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
        folder = after(Value::Folder),
        command = after(Value::Command),
        anything = after(Value::Anything),
        yes_no = after(Value::YesNo),
        before = names(&SIDES[0].1),
        after = names(&SIDES[1].1),
    )
}

pub(crate) fn zsh() -> String {
    let described = |titles| -> String {
        let mut lines = String::new();
        for option in options(titles) {
            for name in &option.names {
                let text = meaning(&option).replace('\'', "'\\''");
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
        folder = after(Value::Folder),
        command = after(Value::Command),
        anything = after(Value::Anything),
        yes_no = after(Value::YesNo),
        before = described(&SIDES[0].1),
        after = described(&SIDES[1].1),
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
    for (side, titles) in &SIDES {
        for option in options(titles) {
            let text = meaning(&option).replace('\\', "\\\\").replace('\'', "\\'");
            let names = option.names.join(" ");
            // To fish nothing after `--` is an option, so that all of these are arguments.
            script.push_str(&format!(
                "complete -c register -f -n '__register_is {side}' -a '{names}' -d '{text}'\n"
            ));
            let values = match Value::of(&option) {
                Value::Nothing | Value::Targets | Value::Anything => continue,
                Value::YesNo => "yes no",
                Value::Folder => "(__fish_complete_directories)",
                Value::Command => "(__fish_complete_command)",
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
        for name in SIDES.iter().flat_map(|(_, titles)| options(titles)).flat_map(|option| option.names) {
            for script in &scripts {
                assert!(script.contains(name), "{name}: {script}");
            }
        }
    }
}
