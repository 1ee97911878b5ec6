//! `run --check`: the modes that can be had, and the targets.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use arch::Target;
use exec::mode::{Mode, Refusal};

use crate::emulators::Emulators;

/// The modes that can be had here.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// The mode that a command would get.
    pub mode: Option<Mode>,
    /// Each mode, with the reason why it cannot be had.
    pub modes: Vec<(Mode, Result<(), Refusal>)>,
    /// The targets whose programs run, each with its QEMU's path; `None` for the one in this program's file.
    pub targets: Vec<(Target, Option<PathBuf>)>,
}

impl Check {
    /// The targets that QEMU is there for.
    pub fn targets(emulators: &Emulators) -> Vec<(Target, Option<PathBuf>)> {
        emulators.of(Target::all()).map(|(target, program)| (target, program.path.clone())).collect()
    }

    /// True if something can run.
    pub fn is_good(&self) -> bool {
        self.mode.is_some() && !self.targets.is_empty()
    }

    /// For people: a line for each mode and each target.
    pub fn text(&self) -> String {
        let mut text = format!("mode     {}\n", self.mode.map_or("none", Mode::name));
        for (mode, result) in &self.modes {
            // Writing to a String cannot fail.
            let _ = match result {
                Ok(()) => writeln!(text, "{mode:8} yes"),
                Err(refusal) => writeln!(text, "{mode:8} no: {refusal}"),
            };
        }
        if self.targets.is_empty() {
            text.push_str("no QEMU\n");
        }
        let width = self.targets.iter().map(|(target, _)| target.name().len()).max().unwrap_or(0).max(8);
        for (target, path) in &self.targets {
            let path = path.as_deref().unwrap_or(Path::new("in this program's file"));
            // As above.
            let _ = writeln!(text, "{target:width$} {}", path.display());
        }
        text
    }

    /// For machines.
    pub fn json(&self) -> String {
        let mode = self.mode.map_or("null".to_owned(), |mode| quoted(mode.name()));
        let members = |members: Vec<String>| match members.is_empty() {
            true => "{}".to_owned(),
            false => format!("{{\n    {}\n  }}", members.join(",\n    ")),
        };
        let modes = self.modes.iter().map(|(mode, result)| {
            let reason = result.as_ref().err().map_or("null".to_owned(), |refusal| quoted(&refusal.0));
            format!("{}: {{\"available\": {}, \"reason\": {reason}}}", quoted(mode.name()), result.is_ok())
        });
        let targets = self.targets.iter().map(|(target, path)| {
            let path = path.as_ref().map_or("null".to_owned(), |path| quoted(&path.to_string_lossy()));
            format!("{}: {path}", quoted(target.name()))
        });
        format!(
            "{{\n  \"mode\": {mode},\n  \"modes\": {},\n  \"targets\": {}\n}}\n",
            members(modes.collect()),
            members(targets.collect())
        )
    }
}

/// A string as RFC 8259, section 7, has it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        // Writing to a String cannot fail.
        let _ = match c {
            '"' | '\\' => write!(quoted, "\\{c}"),
            c if c.is_control() => write!(quoted, "\\u{:04x}", u32::from(c)),
            c => write!(quoted, "{c}"),
        };
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Result<(), Refusal> {
        Err(Refusal(text.to_owned()))
    }

    #[test]
    fn people_and_machines_read_the_same() {
        let target = |name: &str| name.parse().unwrap();
        let check = Check {
            mode: Some(Mode::Trace),
            modes: vec![(Mode::Kernel, refusal("nothing \"runs\"\n")), (Mode::Trace, Ok(()))],
            targets: vec![(target("aarch64"), None), (target("loongarch64"), Some("/q\\l".into()))],
        };
        assert!(check.is_good());
        assert_eq!(
            check.text(),
            "mode     trace\nkernel   no: nothing \"runs\"\n\ntrace    yes\n\
             aarch64     in this program's file\nloongarch64 /q\\l\n"
        );
        assert_eq!(
            check.json(),
            "{\n  \"mode\": \"trace\",\n  \"modes\": {\n    \
             \"kernel\": {\"available\": false, \"reason\": \"nothing \\\"runs\\\"\\u000a\"},\n    \
             \"trace\": {\"available\": true, \"reason\": null}\n  },\n  \
             \"targets\": {\n    \"aarch64\": null,\n    \"loongarch64\": \"/q\\\\l\"\n  }\n}\n"
        );
    }

    #[test]
    fn nothing_is_nothing_good() {
        let check = Check { mode: None, modes: Vec::new(), targets: Vec::new() };
        assert!(!check.is_good());
        assert_eq!(check.text(), "mode     none\nno QEMU\n");
        assert_eq!(check.json(), "{\n  \"mode\": null,\n  \"modes\": {},\n  \"targets\": {}\n}\n");
    }
}
