//! Tables for the pages of the documentation, in Markdown.

use arch::{Status, Target};
use register::environment::VARIABLES;
use register::help::{BINFMT_BLOCKS, REGISTER_BLOCKS};
use usage::Block;

use crate::blocks::meaning;

/// `register`'s options.
pub fn register_options() -> String {
    options(REGISTER_BLOCKS)
}

/// Its options as `binfmt`.
pub fn binfmt_options() -> String {
    options(BINFMT_BLOCKS)
}

/// A table for each group of options.
fn options<O: Copy>(help: &[Block<O>]) -> String {
    let mut text = String::new();
    for block in help {
        let Block::Options { title, flags, .. } = block else { continue };
        text.push_str(&format!("| {} | |\n|---|---|\n", title.unwrap_or("Option").replace("--", "`--`")));
        for flag in flags.iter().filter(|flag| !flag.documented().is_empty()) {
            let names: Vec<String> = flag.spellings().map(|name| format!("`{name}`")).collect();
            let value = match flag.value.name() {
                "" => String::new(),
                name => format!(" `{name}`"),
            };
            let (value, meaning) = (escaped(&value), escaped(&meaning(flag)));
            text.push_str(&format!("| {}{value} | {meaning} |\n", names.join(", ")));
        }
        text.push('\n');
    }
    text
}

/// The variables that `register` reads.
pub fn environment() -> String {
    let mut text = String::from("| variable | meaning |\n|---|---|\n");
    for (name, meaning) in VARIABLES {
        text.push_str(&format!("| `{name}` | {} |\n", escaped(meaning)));
    }
    text
}

/// The targets, with their other names.
pub fn targets() -> String {
    let mut text = String::from("| target | also known as | |\n|---|---|---|\n");
    for target in Target::all() {
        let names = target.aliases().iter().map(|name| (*name).to_owned()).chain(target.variant_names());
        let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        let what = match (target.status(), target.dropped()) {
            (Status::Shared, _) => "an entry of its own, with the binary of `i386`".to_owned(),
            (_, Some((major, minor))) => format!("QEMU has dropped it in {major}.{minor}; only by name"),
            (_, None) => String::new(),
        };
        text.push_str(&format!("| `{target}` | {} | {what} |\n", names.join(", ")));
    }
    text
}

/// The CPU models that are faster than QEMU's default.
pub fn models() -> String {
    let mut text = String::from("| target | model | runs | since QEMU |\n|---|---|---|---|\n");
    for target in Target::all() {
        for model in target.cpu_models() {
            let ((major, minor), name, runs) = (model.since, model.name, model.runs);
            text.push_str(&format!("| `{target}` | `{name}` | {runs} | {major}.{minor} |\n"));
        }
    }
    text
}

/// Without what would end a cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
