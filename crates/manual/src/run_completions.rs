//! Completions for `qus-run`: its options, made from its help's outline, and then a command and the command's own.

use register::help::outline::{self, Block, Opt};
use run::help::HELP;

use crate::blocks::meaning;

/// The value that can follow an option.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    Nothing,
    Folder,
    Mode,
}

impl Value {
    fn of(option: &Opt) -> Value {
        match option.value {
            Some("DIR") => Value::Folder,
            Some("MODE") => Value::Mode,
            _ => Value::Nothing,
        }
    }
}

const MODES: &str = "auto kernel userns notify trace";

fn options() -> Vec<Opt> {
    let blocks = outline::blocks(HELP).into_iter();
    blocks
        .flat_map(|block| match block {
            Block::Options { options, .. } => options,
            _ => Vec::new(),
        })
        .collect()
}

/// The names of all options with such a value, with `between` between them.
fn names(value: Value, between: &str) -> String {
    let options = options().into_iter().filter(|option| Value::of(option) == value);
    let names: Vec<&str> = options.flat_map(|option| option.names).collect();
    names.join(between)
}

pub(crate) fn bash() -> String {
    format!(
        r#"# Completion of qus-run(1) for bash.
# shellcheck shell=bash
_qus_run() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} place word
    COMPREPLY=()
    for ((place = 1; place < COMP_CWORD; place++)); do
        word=${{COMP_WORDS[place]}}
        case $word in
            {folder} | {mode}) ((place++)); continue ;;
            --) ((place++)) ;;
            -*) continue ;;
        esac
        if ((place < COMP_CWORD)) && declare -F _command_offset > /dev/null; then
            _command_offset "$place"
            return
        fi
        break
    done
    if ((place >= COMP_CWORD)); then
        case $prev in
            {folder}) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
            {mode}) mapfile -t COMPREPLY < <(compgen -W '{MODES}' -- "$cur"); return ;;
        esac
        if [[ $cur == -* && $prev != -- ]]; then
            mapfile -t COMPREPLY < <(compgen -W '{plain} {all_folder} {all_mode}' -- "$cur")
        else
            mapfile -t COMPREPLY < <(compgen -c -- "$cur")
        fi
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
}}
complete -o filenames -F _qus_run qus-run
"#,
        folder = names(Value::Folder, " | "),
        mode = names(Value::Mode, " | "),
        plain = names(Value::Nothing, " "),
        all_folder = names(Value::Folder, " "),
        all_mode = names(Value::Mode, " "),
    )
}

pub(crate) fn zsh() -> String {
    let mut lines = String::new();
    for option in options() {
        let text = meaning(&option)
            .replace('\'', "'\\''")
            .replace('[', "\\[")
            .replace(']', "\\]")
            .replace(':', "\\:");
        let value = match Value::of(&option) {
            Value::Nothing => String::new(),
            Value::Folder => ":folder:_files -/".to_owned(),
            Value::Mode => format!(":mode:({MODES})"),
        };
        let all = option.names.join(" ");
        for name in &option.names {
            lines.push_str(&format!("    '({all}){name}[{text}]{value}' \\\n"));
        }
    }
    format!(
        "#compdef qus-run\n\
         # Completion of qus-run(1) for zsh.\n\
         _arguments -S \\\n\
         {lines}    '(-):command:_command_names -e' \\\n    '*::arguments:_normal'\n"
    )
}

pub(crate) fn fish() -> String {
    let mut script = String::from(
        "# Completion of qus-run(1) for fish.\n\
         function __qus_run_has_no_command\n    \
             set -l words (commandline -opc)\n    \
             set -e words[1]\n    \
             while set -q words[1]\n        \
                 switch $words[1]\n            \
                     case VALUED\n                \
                         set -e words[1]\n            \
                     case --\n                \
                         return 1\n            \
                     case '-*'\n            \
                     case '*'\n                \
                         return 1\n        \
                 end\n        \
                 set -e words[1]\n    \
             end\n\
         end\n",
    )
    .replace("VALUED", &[names(Value::Folder, " "), names(Value::Mode, " ")].join(" "));
    for option in options() {
        let text = meaning(&option).replace('\\', "\\\\").replace('\'', "\\'");
        let names: Vec<String> = option
            .names
            .iter()
            .map(|name| match name.strip_prefix("--") {
                Some(long) => format!("-l {long}"),
                None => format!("-s {}", name.trim_start_matches('-')),
            })
            .collect();
        let value = match Value::of(&option) {
            Value::Nothing => String::new(),
            Value::Folder => " -x -a '(__fish_complete_directories)'".to_owned(),
            Value::Mode => format!(" -x -a '{MODES}'"),
        };
        script.push_str(&format!(
            "complete -c qus-run -n __qus_run_has_no_command {}{value} -d '{text}'\n",
            names.join(" ")
        ));
    }
    // Behind the command, fish completes files by itself.
    script.push_str("complete -c qus-run -x -n __qus_run_has_no_command -a '(__fish_complete_command)'\n");
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_one_that_the_program_takes() {
        for mode in MODES.split(' ') {
            let words = ["run", "--mode", mode, "command"].map(std::ffi::OsString::from);
            assert!(run::args::parse(words.into()).is_ok(), "{mode}");
        }
    }

    #[test]
    fn every_option_is_in_every_script() {
        for name in options().into_iter().flat_map(|option| option.names) {
            assert!(bash().contains(name) && zsh().contains(name), "{name}");
            let fish = fish();
            let (dash, word) = name.split_at(if name.starts_with("--") { 2 } else { 1 });
            let spelled = format!(" -{} {word} ", if dash == "--" { "l" } else { "s" });
            assert!(fish.contains(&spelled), "{name}: {fish}");
        }
    }
}
