//! The pages of `cargo xtask` and of each of its commands.

use clap::{Command, CommandFactory as _};
use clap_mangen::{Man, roff};

use super::File;
use crate::cli::Cli;

/// One page for the program, and one for each command.
pub(super) fn pages() -> anyhow::Result<Vec<File>> {
    let mut program = Cli::command().name("cargo-xtask").disable_help_subcommand(true);
    // Gives the commands the names that their pages bear.
    program.build();
    let commands = program.get_subcommands().filter(|command| !command.is_hide_set());
    [&program].into_iter().chain(commands).map(page).collect()
}

fn page(command: &Command) -> anyhow::Result<File> {
    let man = Man::new(command.clone())
        .manual("The maintainer's commands of qus")
        .source(concat!("qus ", env!("CARGO_PKG_VERSION")));
    let mut bytes = Vec::new();
    man.render_title(&mut bytes)?;
    man.render_name_section(&mut bytes)?;
    man.render_synopsis_section(&mut bytes)?;
    man.render_description_section(&mut bytes)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut bytes)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut bytes)?;
    }
    // The generator's own section would run the lines of examples into one.
    if let Some(after) = command.get_after_help() {
        roff::Roff::from_iter([examples(&after.to_string())]).to_writer(&mut bytes)?;
    }
    // Each section begins with the definition of a quote; the first one does for the whole page.
    let definition = roff::Roff::new().render();
    // An empty line breaks lines by itself, and mandoc warns of what breaks them once more.
    let text = String::from_utf8(bytes)?.replace(&definition, "").replace(".br\n\n.br\n", ".sp\n");
    Ok((man.get_filename().into(), super::undated(&format!("{definition}{text}"))))
}

/// The help's `Examples:` with their line breaks.
fn examples(text: &str) -> roff::Roff {
    let mut page = roff::Roff::new();
    page.control("SH", ["EXAMPLES"]);
    let (title, lines) = text.split_once('\n').unwrap_or(("", text));
    // `Example:` says nothing that the section's own title does not.
    if !matches!(title, "Example:" | "Examples:" | "") {
        page.text([roff::roman(title)]).control("PP", []);
    }
    page.control("nf", []);
    for line in lines.lines() {
        page.text([roff::roman(line.strip_prefix("  ").unwrap_or(line))]);
    }
    page.control("fi", []);
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(name: &str) -> String {
        let found = pages().unwrap().into_iter().find(|(path, _)| path.to_str() == Some(name));
        String::from_utf8(found.unwrap().1).unwrap()
    }

    #[test]
    fn a_commands_page_has_its_name_options_and_examples() {
        let page = page("cargo-xtask-images.1");
        for expected in [
            ".TH cargo-xtask-images 1 \"\" \"qus ",
            "cargo\\-xtask\\-images \\- Build the images from the lock",
            "\\fB\\-\\-push\\-via\\fR",
            ".SH EXAMPLES\n.nf\ncargo xtask images",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
    }

    #[test]
    fn quotes_are_defined_once() {
        assert_eq!(page("cargo-xtask-lock.1").matches(".ds Aq \\(aq").count(), 1);
    }

    #[test]
    fn every_command_has_a_page_that_the_programs_page_names() {
        let program = page("cargo-xtask.1");
        let names: Vec<_> = pages().unwrap().into_iter().map(|(name, _)| name).collect();
        for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = format!("cargo-xtask-{}.1", command.get_name());
            assert!(names.contains(&name.clone().into()), "{name} is not in {names:?}");
            let reference = name.replace('-', "\\-").replace(".1", "(1)");
            assert!(program.contains(&reference), "{reference}: {program}");
        }
    }
}
