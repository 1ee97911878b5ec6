//! Completions for `qus-run`: its options, made from its table, and then a command and the command's own.

use run::args::options::OPTIONS;
use usage::{Flag, Kind};

use crate::blocks::meaning;

/// The names of all options with such a value, with `between` between them.
fn names(kind: Option<Kind>, between: &str) -> String {
    let flags = OPTIONS.iter().filter(|flag| flag.value.kind() == kind);
    flags.flat_map(Flag::spellings).collect::<Vec<_>>().join(between)
}

const FOLDER: Option<Kind> = Some(Kind::Folder);

/// Each list of words that options take, once.
fn words() -> Vec<&'static str> {
    let mut words = Vec::new();
    for flag in &OPTIONS {
        if let Some(Kind::Word(list)) = flag.value.kind()
            && !words.contains(&list)
        {
            words.push(list);
        }
    }
    words
}

/// The names of all options that take a value, with `between` between them.
fn valued(between: &str) -> String {
    let kinds = [FOLDER].into_iter().chain(words().into_iter().map(|list| Some(Kind::Word(list))));
    kinds.map(|kind| names(kind, between)).collect::<Vec<_>>().join(between)
}

pub(crate) fn bash() -> String {
    let case = |list| {
        let names = names(Some(Kind::Word(list)), " | ");
        format!("            {names}) mapfile -t COMPREPLY < <(compgen -W '{list}' -- \"$cur\"); return ;;\n")
    };
    let words: String = words().into_iter().map(case).collect();
    let values = [
        ("folder", names(FOLDER, " | ")),
        ("valued", valued(" | ")),
        ("words", words),
        ("plain", names(None, " ")),
        ("all", valued(" ")),
    ];
    crate::fill(include_str!("run.bash"), &values)
}

pub(crate) fn zsh() -> String {
    let mut lines = String::new();
    for flag in &OPTIONS {
        let text =
            meaning(flag).replace('\'', "'\\''").replace('[', "\\[").replace(']', "\\]").replace(':', "\\:");
        let value = match flag.value.kind() {
            Some(Kind::Folder) => ":folder:_files -/".to_owned(),
            Some(Kind::Word(words)) => format!(":value:({words})"),
            _ => String::new(),
        };
        let names: Vec<String> = flag.spellings().collect();
        let all = names.join(" ");
        for name in &names {
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
    let mut script = crate::fill(include_str!("run.fish"), &[("valued", valued(" "))]);
    for flag in &OPTIONS {
        let text = meaning(flag).replace('\\', "\\\\").replace('\'', "\\'");
        let names: Vec<String> = flag
            .documented()
            .iter()
            .map(|name| format!("-{} {name}", if name.len() > 1 { "l" } else { "s" }))
            .collect();
        let value = match flag.value.kind() {
            Some(Kind::Folder) => " -x -a '(__fish_complete_directories)'".to_owned(),
            Some(Kind::Word(words)) => format!(" -x -a '{words}'"),
            _ => String::new(),
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
    fn every_option_is_in_every_script() {
        for name in OPTIONS.iter().flat_map(Flag::spellings) {
            assert!(bash().contains(&name) && zsh().contains(&name), "{name}");
            let fish = fish();
            let (dash, word) = name.split_at(if name.starts_with("--") { 2 } else { 1 });
            let spelled = format!(" -{} {word} ", if dash == "--" { "l" } else { "s" });
            assert!(fish.contains(&spelled), "{name}: {fish}");
        }
    }
}
