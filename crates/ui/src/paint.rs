//! Colours: of the word that a message begins with, and of nothing else.

use clap::ColorChoice;
use clap::builder::styling::{AnsiColor, Style};

/// The words, as cargo colours them.
const WORDS: [(&str, Style); 4] = [
    ("error:", AnsiColor::BrightRed.on_default().bold()),
    ("warning:", AnsiColor::Yellow.on_default().bold()),
    ("hint:", AnsiColor::BrightCyan.on_default().bold()),
    ("note:", AnsiColor::BrightGreen.on_default().bold()),
];

/// True if messages are coloured: as `choice` says, or else the variables of <https://no-color.org> and
/// <https://bixense.com/clicolors>, or else on a terminal that can show colours.
pub(crate) fn is_wanted(
    choice: ColorChoice,
    variable: impl Fn(&str) -> Option<String>,
    terminal: bool,
) -> bool {
    let value = |name| variable(name).filter(|value| !value.is_empty());
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if value("NO_COLOR").is_some() => false,
        ColorChoice::Auto if value("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        ColorChoice::Auto => {
            let is = |name, no| value(name).is_some_and(|value| value == no);
            terminal && !is("CLICOLOR", "0") && !is("TERM", "dumb")
        }
    }
}

/// `text` with the first words of its lines coloured.
pub(crate) fn paint(text: &str) -> String {
    let line = |line: &str| {
        let painted = WORDS.iter().find_map(|(word, style)| {
            line.strip_prefix(word).map(|rest| format!("{style}{word}{style:#}{rest}"))
        });
        painted.unwrap_or_else(|| line.to_owned())
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_comes_before_the_environment_and_that_before_the_terminal() {
        use ColorChoice::{Always, Auto, Never};
        let none: &[(&str, &str)] = &[];
        for (choice, variables, terminal, expected) in [
            (Auto, none, true, true),
            (Auto, none, false, false),
            (Always, &[("NO_COLOR", "1")][..], false, true),
            (Never, &[("CLICOLOR_FORCE", "1")], true, false),
            (Auto, &[("NO_COLOR", "1")], true, false),
            (Auto, &[("NO_COLOR", "")], true, true),
            (Auto, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true, false),
            (Auto, &[("CLICOLOR_FORCE", "1")], false, true),
            (Auto, &[("CLICOLOR_FORCE", "0")], false, false),
            (Auto, &[("CLICOLOR", "0")], true, false),
            (Auto, &[("CLICOLOR", "1")], false, false),
            (Auto, &[("TERM", "dumb")], true, false),
            (Auto, &[("TERM", "xterm")], true, true),
        ] {
            let variable = |name: &str| {
                let found = variables.iter().find(|(variable, _)| *variable == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(is_wanted(choice, variable, terminal), expected, "{choice} {variables:?} {terminal}");
        }
    }

    #[test]
    fn only_words_at_the_beginning_of_lines_are_coloured() {
        assert_eq!(
            paint("error: cannot read a: error: b\nhint: look\nwarning: x"),
            "\u{1b}[1m\u{1b}[91merror:\u{1b}[0m cannot read a: error: b\n\u{1b}[1m\u{1b}[96mhint:\u{1b}[0m look\n\
             \u{1b}[1m\u{1b}[33mwarning:\u{1b}[0m x"
        );
        for text in ["", "still error: 3 s", "  hint: x", "errors: 3", "a\n"] {
            assert_eq!(paint(text), text);
        }
    }
}
