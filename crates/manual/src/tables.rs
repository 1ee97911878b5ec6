//! Tables for the pages of the documentation, in Markdown.

use arch::{Status, Target};
use register::environment::VARIABLES;
use register::help::outline::{self, Block};
use register::help::{BINFMT, REGISTER};

use crate::blocks::meaning;

/// `register`'s options.
pub fn register_options() -> String {
    options(REGISTER)
}

/// Its options as `binfmt`.
pub fn binfmt_options() -> String {
    options(BINFMT)
}

/// A table for each group of options.
fn options(help: &'static str) -> String {
    let mut text = String::new();
    for block in outline::blocks(help) {
        let Block::Options { title, options } = block else { continue };
        text.push_str(&format!("| {} | |\n|---|---|\n", title.unwrap_or("Option").replace("--", "`--`")));
        for option in options {
            let names: Vec<String> = option.names.iter().map(|name| format!("`{name}`")).collect();
            let value = option.value.map(|value| format!(" `{value}`")).unwrap_or_default();
            text.push_str(&format!(
                "| {}{} | {} |\n",
                names.join(", "),
                escaped(&value),
                escaped(&meaning(&option))
            ));
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
        let what = match target.status() {
            Status::Current => "",
            Status::Retired => "QEMU has dropped it; only by name",
            Status::Shared => "an entry of its own, with the binary of `i386`",
        };
        text.push_str(&format!("| `{target}` | {} | {what} |\n", names.join(", ")));
    }
    text
}

/// Without what would end a cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
