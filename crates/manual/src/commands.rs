//! The pages of a program that has commands, and of each of them.

use std::io;

use clap::Command;
use clap_mangen::{Man, roff};

use crate::File;

/// One page for `program`, and one for each of its commands.
pub(crate) fn pages(program: Command) -> io::Result<Vec<File>> {
    let mut program = program.disable_help_subcommand(true);
    // Gives the commands the names that their pages bear.
    program.build();
    let manual = program.get_about().map(ToString::to_string).unwrap_or_default();
    let commands = program.get_subcommands().filter(|command| !command.is_hide_set());
    [&program].into_iter().chain(commands).map(|command| page(command, &manual)).collect()
}

fn page(command: &Command, manual: &str) -> io::Result<File> {
    let man = Man::new(command.clone()).manual(manual).source(concat!("qus ", env!("CARGO_PKG_VERSION")));
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
    let text = String::from_utf8_lossy(&bytes).replace(&definition, "").replace(".br\n\n.br\n", ".sp\n");
    Ok(File::new(man.get_filename(), crate::undated(&format!("{definition}{text}"))))
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
    use clap::Arg;

    use super::*;

    fn page(name: &str) -> String {
        let build = Command::new("build")
            .about("Build the images")
            .arg(Arg::new("via").long("push-via").help("Don't ask"))
            .after_help("Examples:\n  tool build\n  tool build --push-via x");
        let hidden = Command::new("hidden").hide(true);
        let program = Command::new("tool").about("The tool's commands").version("1");
        let pages = pages(program.subcommand(build).subcommand(hidden)).unwrap();
        let names: Vec<&str> = pages.iter().map(|page| page.path.to_str().unwrap()).collect();
        assert_eq!(names, ["tool.1", "tool-build.1"]);
        let found = pages.into_iter().find(|page| page.path.to_str() == Some(name));
        String::from_utf8(found.unwrap().bytes).unwrap()
    }

    #[test]
    fn a_commands_page_has_its_name_options_and_examples() {
        let page = page("tool-build.1");
        for expected in [
            ".TH tool-build 1 \"\" \"qus ",
            "\"The tool's commands\"",
            "tool\\-build \\- Build the images",
            "\\fB\\-\\-push\\-via\\fR",
            ".SH EXAMPLES\n.nf\ntool build\n",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
        // Quotes are defined once.
        assert_eq!(page.matches(".ds Aq \\(aq").count(), 1);
    }

    #[test]
    fn the_programs_page_names_its_commands() {
        let page = page("tool.1");
        assert!(page.contains("tool\\-build(1)") && !page.contains("hidden"), "{page}");
    }
}
