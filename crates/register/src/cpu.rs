//! The CPU models that QEMUs get by a [prelude].

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use arch::{Suggestion, Target};

use crate::args::{Action, Cpu, Mode};
use crate::check::{self, Outcome};
use crate::error::Error;
use crate::interpreter::Version;
use crate::prelude::{self, Change, HEAD, Prelude, Unfit};
use crate::request::Request;

/// The longest list of models that a message has.
const MANY: usize = 40;

/// The bytes of QEMU's list of models that are read: more than most targets' have.
const LIST: usize = 1 << 15;

/// Fails if a request wants models where no file can have them.
///
/// # Errors
/// For anything but registering with `F`.
pub(crate) fn check(request: &Request) -> Result<(), Error> {
    if !matches!(request.cpu, Some(Cpu::Preferred | Cpu::Model(_))) {
        return Ok(());
    }
    match request.action {
        Some(Action::Export(_)) => Err(Error::new(
            "cannot write a CPU model into files that are read at boot",
        )
        .hint("leave out --cpu, and set QEMU_CPU where programs run; or register at boot, with -p --cpu")),
        Some(Action::Register) if !request.persistent => Err(Error::new(
            "cannot register a CPU model without -p: it is in a copy of QEMU, which the kernel has to keep",
        )
        .hint("add -p; or leave out --cpu, and set QEMU_CPU where programs run")),
        _ => Ok(()),
    }
}

/// The model for the QEMU of this version that is `target`'s interpreter; `None` is its own choice. One that the user has named is
/// proved by a program.
///
/// # Errors
/// If it is no model of this QEMU's, or the file cannot have a prelude.
pub(crate) fn choose(
    request: &Request,
    target: Target,
    version: Option<Version>,
) -> Result<Option<String>, Error> {
    let path = request.interpreter(target);
    let model = match &request.cpu {
        None | Some(Cpu::Qemus) => return Ok(None),
        Some(Cpu::Preferred) => {
            let is_known = |model: &arch::CpuModel| {
                version.is_some_and(|Version(major, minor, _)| model.is_known_to((major, minor)))
            };
            match target.preferred_cpu().filter(is_known) {
                Some(model) => model.name,
                None => return Ok(None),
            }
        }
        Some(Cpu::Model(model)) => model,
    };
    let change = File::open(&path).and_then(|file| change(&file, model));
    if let Err(unfit) = change.unwrap_or(Err(Unfit::NotAProgram)) {
        let path = path.display();
        let message = format!("{path} cannot have a prelude with the CPU model `{model}`: {unfit}");
        return Err(Error::new(message).hint("leave out --cpu, and set QEMU_CPU where programs run"));
    }
    if matches!(request.cpu, Some(Cpu::Model(_))) && !request.no_check && request.mode != Mode::DryRun {
        prove(&path, model, target, version)?;
    }
    Ok(Some(model.to_owned()))
}

fn prove(path: &Path, model: &str, target: Target, version: Option<Version>) -> Result<(), Error> {
    let Outcome::Fails(reason) = check::run_with(path, &["-cpu", model], target) else { return Ok(()) };
    let models = qemu::models(&check::printed(path, &["-cpu", "help"], LIST));
    let name = model.split(',').next().unwrap_or_default();
    // The name may be right, and a property not.
    let suggestion = match models.iter().any(|known| known == name) {
        true => Suggestion::default(),
        false => Suggestion::among(models.iter().map(String::as_str), name),
    };
    let path = path.display();
    let version = version.map_or_else(|| path.to_string(), |version| version.to_string());
    let message =
        format!("QEMU {version} does not run a program with the CPU model `{model}`{suggestion}: {reason}");
    let error = Error::new(message);
    Err(match models.len() {
        1..=MANY => error.hint(format_args!("its models are {}", models.join(" "))),
        _ => error.hint(format_args!("{path} -cpu help lists its models")),
    })
}

/// The change that gives the QEMU in `file` a model.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn change(file: &File, model: &str) -> std::io::Result<Result<Change, Unfit>> {
    Ok(prelude::put(&head(file)?, file.metadata()?.len(), model))
}

/// The prelude in `file`, if it has one.
pub fn find(file: &File) -> Option<Prelude> {
    let head = head(file).ok()?;
    let (offset, length) = prelude::place(&head, file.metadata().ok()?.len())?;
    let mut segment = vec![0; length];
    file.read_exact_at(&mut segment, offset).ok()?;
    prelude::take(&head, &segment)
}

fn head(file: &File) -> std::io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD];
    let mut filled = 0;
    loop {
        match file.read_at(&mut head[filled..], filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    head.truncate(filled);
    Ok(head)
}
