//! Writes, and removes, the files from which systemd-binfmt or update-binfmts registers the targets at each boot.

use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use arch::Target;
use binfmt::{BinfmtMisc, Entry, Flags, Recognition};

use crate::args::Style;
use crate::context::Context;
use crate::error::Error;
use crate::interpreter::open_regular;
use crate::output::Output;
use crate::register;
use crate::registration;
use crate::want::entry_name;

/// `misc` is where it can be seen whether the machine runs its own family's programs by itself.
pub(crate) fn run(
    context: &Context,
    misc: Option<&BinfmtMisc>,
    style: Style,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let dir = context.request.exportdir(style);
    if !dir.is_dir() {
        let error = Error::new(format_args!("cannot write to {}: there is no such folder", dir.display()));
        return Err(error.hint(format_args!("mkdir -p {}, or name another with --exportdir", dir.display())));
    }
    register::warn_of_credentials(context, output);
    for wanted in register::sort(context, misc, &[], output)?.wanted {
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
            Err(error) => error.print(output),
        }
    }
    Ok(())
}

/// Removes the selected targets' files.
pub(crate) fn remove(context: &Context, style: Style, output: &mut Output<'_>) {
    let files = ours(context, style);
    for path in &files {
        match std::fs::remove_file(path) {
            Ok(()) => output.line(format_args!("Removing {}", path.display())),
            Err(error) => {
                Error::new(format_args!("cannot remove {}: {error}", path.display())).print(output);
            }
        }
    }
    if files.is_empty() {
        let dir = context.request.exportdir(style);
        output.note(format_args!("there is none of this program's files in {}", dir.display()));
    }
}

/// The selected targets' files, as far as they are such as this program writes: packages have files of the same names.
pub(crate) fn ours(context: &Context, style: Style) -> Vec<PathBuf> {
    let dir = context.request.exportdir(style);
    let selected = Target::all().filter(|target| context.request.selection.contains(*target));
    let files = selected.filter_map(|target| {
        let path = dir.join(file(target, style));
        let name = entry_name(target);
        let is_ours = match style {
            Style::Systemd => is_line(&beginning(&path)?, &name),
            Style::Debian => {
                beginning(&path)?.starts_with(format!("package {name}\ninterpreter ").as_bytes())
            }
        };
        is_ours.then_some(path)
    });
    files.collect()
}

/// True if `text` begins as the register line of the entry `name`, whatever its delimiter.
fn is_line(text: &[u8], name: &str) -> bool {
    let Some((delimiter, rest)) = text.split_first() else { return false };
    let fields = [name.as_bytes(), b"M", b""];
    let mut begun = rest.split(|byte| byte == delimiter);
    fields.iter().all(|field| begun.next() == Some(field))
}

/// The first bytes of a file: as many as tell whose it is. Links are not followed: this program writes none, and a link to
/// /dev/null makes systemd pass over a file.
fn beginning(path: &Path) -> Option<Vec<u8>> {
    if !path.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    open_regular(path)?.take(256).read_to_end(&mut bytes).ok()?;
    Some(bytes)
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
    let rest = format!(
        "\nmagic {value}\nmask {mask}\ncredentials {}\npreserve {}\nfix_binary {}\n",
        yes_no(Flags::CREDENTIALS),
        yes_no(Flags::PRESERVE_ARGV0),
        yes_no(Flags::FIX_BINARY),
    );
    let head = format!("package {}\ninterpreter ", entry.name());
    // A path is any bytes.
    [head.as_bytes(), entry.interpreter().as_os_str().as_bytes(), rest.as_bytes()].concat()
}

/// Whole or not at all: the file is written beside its place and then moved there.
fn write(path: &Path, text: &[u8]) -> Result<(), Error> {
    let failed = |error| Error::new(format_args!("cannot write {}: {error}", path.display()));
    let (temporary, mut file) = beside(path).map_err(failed)?;
    let written =
        file.write_all(text).and_then(|()| file.sync_all()).and_then(|()| std::fs::rename(&temporary, path));
    written.map_err(|error| {
        // The error is what counts.
        let _ = std::fs::remove_file(&temporary);
        failed(error)
    })
}

/// A new file beside `path`, under a name that nobody can have occupied: in a folder that others can write to, a link of a
/// known name would lead elsewhere. `create_new` opens nothing that is there.
fn beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:016x}.new", RandomState::new().build_hasher().finish()));
    let temporary = PathBuf::from(name);
    let file = File::options().write(true).create_new(true).mode(0o644).open(&temporary)?;
    Ok((temporary, file))
}
