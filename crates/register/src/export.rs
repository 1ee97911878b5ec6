//! Writes, and removes, the files from which systemd-binfmt or update-binfmts registers the targets at each boot.

use std::io::Write;
use std::path::{Path, PathBuf};

use arch::Target;
use binfmt::{BinfmtMisc, Entry, Flags, Recognition};

use crate::args::Style;
use crate::output::Output;
use crate::register;
use crate::registration;
use crate::scene::Scene;
use crate::trouble::Trouble;
use crate::want::entry_name;

/// `misc` is where it can be seen whether the machine runs its own family's programs by itself.
pub(crate) fn run(
    scene: &Scene,
    misc: Option<&BinfmtMisc>,
    style: Style,
    output: &mut Output<'_>,
) -> Result<(), Trouble> {
    let dir = scene.request.exportdir(style);
    if !dir.is_dir() {
        let trouble =
            Trouble::new(format_args!("cannot write to {}: there is no such folder", dir.display()));
        return Err(
            trouble.hint(format_args!("mkdir -p {}, or name another with --exportdir", dir.display()))
        );
    }
    register::warn_of_credentials(scene, output);
    for wanted in register::sort(scene, misc, output).wanted {
        let (target, entry) = (wanted.target, &wanted.entry);
        registration::warn_of_exposure(&wanted, output);
        let interpreter = entry.interpreter().display();
        let (text, what) = match style {
            Style::Systemd => {
                let line = entry.register_line().unwrap_or_default();
                ([line, b"\n".to_vec()].concat(), "systemd-binfmt.service")
            }
            Style::Debian => (debian(entry), "update-binfmts"),
        };
        match write(&dir.join(file(target, style)), &text) {
            Ok(()) => output
                .line(format_args!("Setting {interpreter} as binfmt interpreter for {target} for {what}")),
            Err(trouble) => trouble.print(output),
        }
    }
    Ok(())
}

/// Removes the selected targets' files.
pub(crate) fn remove(scene: &Scene, style: Style, output: &mut Output<'_>) {
    let files = ours(scene, style);
    for path in &files {
        match std::fs::remove_file(path) {
            Ok(()) => output.line(format_args!("Removing {}", path.display())),
            Err(error) => {
                Trouble::new(format_args!("cannot remove {}: {error}", path.display())).print(output);
            }
        }
    }
    if files.is_empty() {
        let dir = scene.request.exportdir(style);
        output.note(format_args!("there is none of this program's files in {}", dir.display()));
    }
}

/// The selected targets' files, as far as they are such as this program writes: packages have files of the same names.
pub(crate) fn ours(scene: &Scene, style: Style) -> Vec<PathBuf> {
    let dir = scene.request.exportdir(style);
    let selected = Target::all().filter(|target| scene.request.selection.contains(*target));
    let files = selected.filter_map(|target| {
        let path = dir.join(file(target, style));
        let text = std::fs::read_to_string(&path).ok()?;
        let begins = match style {
            Style::Systemd => format!(":{}:M::", entry_name(target)),
            Style::Debian => format!("package {}\ninterpreter ", entry_name(target)),
        };
        text.starts_with(&begins).then_some(path)
    });
    files.collect()
}

fn file(target: Target, style: Style) -> String {
    match style {
        Style::Systemd => format!("{}.conf", entry_name(target)),
        Style::Debian => entry_name(target),
    }
}

/// The format that update-binfmts(8) imports: one of its options per line. QEMU's own script writes `credential`, which
/// update-binfmts does not know.
fn debian(entry: &Entry) -> Vec<u8> {
    let yes_no = |flag| if entry.flags().contains(flag) { "yes" } else { "no" };
    let escaped = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let (value, mask) = match entry.recognition() {
        Recognition::Magic { value, mask, .. } => (escaped(value), escaped(mask)),
        Recognition::Extension(_) => (String::new(), String::new()),
    };
    format!(
        "package {}\ninterpreter {}\nmagic {value}\nmask {mask}\ncredentials {}\npreserve {}\nfix_binary {}\n",
        entry.name(),
        entry.interpreter().display(),
        yes_no(Flags::CREDENTIALS),
        yes_no(Flags::PRESERVE_ARGV0),
        yes_no(Flags::FIX_BINARY),
    )
    .into_bytes()
}

/// Whole or not at all: the file is written beside its place and then moved there.
fn write(path: &Path, text: &[u8]) -> Result<(), Trouble> {
    let temporary = PathBuf::from(format!("{}.{}.new", path.display(), std::process::id()));
    let written = std::fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(text).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&temporary, path));
    written.map_err(|error| {
        // What could not be made need not be removable.
        let _ = std::fs::remove_file(&temporary);
        Trouble::new(format_args!("cannot write {}: {error}", path.display()))
    })
}
