//! The outline of the program: from the command line to the command, or to an exit code.

use std::convert::Infallible;
use std::ffi::{CString, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use arch::Target;
use exec::cpu::Wanted;
use exec::header::{self, Kind, Natives};
use exec::mode::{Mode, Refusal, choose};
use exec::plan::Decision;
use rustix::io::Errno;
use watch::{Reports, Watched};

use crate::args::{Invocation, Options, UsageError};
use crate::check::Check;
use crate::command;
use crate::cpu::Models;
use crate::emulators::Emulators;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::help;
use crate::install;
use crate::machine::Machine;
use crate::place::Place;
use crate::policy::{Emulation, read_header};
use crate::probe;
use crate::userns;

/// Does what the command line asks for, and gives the exit code: this process becomes the command, or stays if it cannot.
pub fn run(invocation: Result<Invocation, UsageError>, environment: &Environment) -> u8 {
    let result = invocation.map_err(Failure::Usage).and_then(|invocation| match invocation {
        Invocation::Help => print(help::HELP),
        Invocation::Version => print(&help::version()),
        Invocation::Check { is_json, options } => check(is_json, &options, environment),
        Invocation::Install(dir, options) => install(&dir, &emulators(&options, environment)?),
        Invocation::Run(command, options) => run_command(&command, &options, environment),
    });
    result.unwrap_or_else(|failure| report(&failure))
}

fn print(text: &str) -> Result<u8, Failure> {
    let printed = io::stdout().write_all(text.as_bytes());
    let setup = |source| Failure::Setup { what: "cannot write the output".to_owned(), source };
    printed.map(|()| 0).map_err(setup)
}

/// Reports a failure on stderr, and gives its exit code.
fn report(failure: &Failure) -> u8 {
    let mut stderr = io::stderr();
    // There is no place left to report to.
    let _ = writeln!(stderr, "error: {failure}");
    if let Some(hint) = failure.hint() {
        let _ = writeln!(stderr, "hint: {hint}");
    }
    failure.exit_code()
}

/// The command, found and looked at.
struct Found {
    path: PathBuf,
    /// The target that it needs a QEMU for.
    target: Option<Target>,
}

fn emulators(options: &Options, environment: &Environment) -> Result<Emulators, Failure> {
    if !Path::new("/proc/self/exe").exists() {
        return Err(Failure::NoProc);
    }
    let given = options.qemu_dir.as_deref().or(environment.qemu_bin_dir.as_deref());
    Emulators::new(given).map_err(Failure::Qemu)
}

fn install(dir: &Path, emulators: &Emulators) -> Result<u8, Failure> {
    let made = install::install(dir, emulators).map_err(|(path, source)| Failure::Setup {
        what: format!("cannot write {}", path.display()),
        source,
    })?;
    print(&made.iter().map(|path| format!("{}\n", path.display())).collect::<String>())
}

/// Tries every mode, and prints what came of it.
fn check(is_json: bool, options: &Options, environment: &Environment) -> Result<u8, Failure> {
    let emulators = emulators(options, environment)?;
    let place = open_place(options)?;
    let targets = Check::targets(&emulators);
    let refuse = |error: watch::Error| Refusal(error.to_string());
    let mut modes = vec![
        (Mode::Kernel, kernel(None, &emulators)),
        (Mode::Notify, watch::possible(Reports::Listener).map_err(refuse)),
        (Mode::Trace, watch::possible(Reports::Tracer).map_err(refuse)),
    ];
    // At the end, for this process is in another namespace then.
    modes.insert(1, (Mode::Userns, userns::enter(&emulators).map_err(Refusal)));
    let result = |wanted: Mode| {
        let found = modes.iter().find(|(mode, _)| *mode == wanted);
        found.map_or_else(|| Err(Refusal(String::new())), |(_, result)| result.clone())
    };
    let mode = choose(options.mode, place.needs_namespace(), result).ok();
    let check = Check { mode, modes, targets };
    print(&if is_json { check.json() } else { check.text() })?;
    Ok(u8::from(!check.is_good()))
}

fn open_place(options: &Options) -> Result<Place, Failure> {
    Place::new(options.root.as_deref()).map_err(|source| {
        let root = options.root.clone().unwrap_or_default();
        Failure::Setup { what: format!("cannot open {}", root.display()), source }
    })
}

fn run_command(command: &[OsString], options: &Options, environment: &Environment) -> Result<u8, Failure> {
    let emulators = emulators(options, environment)?;
    let place = open_place(options)?;
    let machine = Machine::here();
    let found = find(&command[0], environment, &place, &machine)?;
    let is_verbose = options.is_verbose || environment.is_verbose;
    let models = Models::new(options.cpu.clone());
    models.check(found.target, &emulators).map_err(Failure::NoModel)?;
    let policy = Emulation { machine, emulators, models, is_verbose };
    start(command, options, environment, &place, &found, policy)
}

fn find(
    command: &OsString,
    environment: &Environment,
    place: &Place,
    machine: &Machine,
) -> Result<Found, Failure> {
    let path = command::locate(command, environment.path.as_deref(), place).map_err(|errno| match errno {
        Errno::NOENT => Failure::NotFound(command.into()),
        errno => Failure::Execute { path: command.into(), source: errno.into() },
    })?;
    let open = |path: &[u8]| place.open(path).ok().and_then(|mut file| read_header(&mut file));
    // Without a header the kernel has an error for it, or executes what cannot be read.
    let Some(header) = open(path.as_os_str().as_bytes()) else { return Ok(Found { path, target: None }) };
    if let Kind::Unknown(machine) = header::kind(&header, &Natives::new([])) {
        return Err(Failure::Unknown { path, machine });
    }
    let target = match machine.plan(path.as_os_str().as_bytes(), &header, open) {
        Decision::Foreign(plan) => Some(plan.target),
        Decision::Native | Decision::TooDeep => None,
    };
    Ok(Found { path, target })
}

/// Chooses a mode, and starts the command in it.
fn start(
    command: &[OsString],
    options: &Options,
    environment: &Environment,
    place: &Place,
    found: &Found,
    policy: Emulation,
) -> Result<u8, Failure> {
    let is_verbose = policy.is_verbose;
    let is_first = rustix::process::getpid().is_init();
    let missing = found.target.and_then(|target| policy.emulators.get(target).err().map(|e| (target, e)));
    let kernel = kernel(found.target, &policy.emulators);
    let mut policy = Some(policy);
    let mut watched = None;
    let mut is_in_namespace = false;
    let places = policy.as_ref().map(|policy| policy.emulators.places()).unwrap_or_default();
    let mode = choose(options.mode, place.needs_namespace(), |mode| match mode {
        Mode::Kernel => kernel.clone(),
        // Nothing could be done with it: the reason for that is the better message.
        Mode::Trace | Mode::Notify | Mode::Userns if missing.is_some() => Ok(()),
        Mode::Notify if is_first => Err(Refusal("process 1 has its children traced".to_owned())),
        Mode::Trace if is_first => {
            watch::possible(Reports::Tracer).map_err(|error| Refusal(error.to_string()))
        }
        Mode::Trace | Mode::Notify => {
            let reports = if mode == Mode::Trace { Reports::Tracer } else { Reports::Listener };
            let policy = policy.take().ok_or_else(|| Refusal("it was tried before".to_owned()))?;
            let started = Watched::start(Box::new(policy), reports, is_verbose);
            watched = Some(started.map_err(|error| Refusal(error.to_string()))?);
            Ok(())
        }
        Mode::Userns => {
            let result = policy.as_ref().map_or(Ok(()), |policy| userns::enter(&policy.emulators));
            is_in_namespace = result.is_ok();
            result.map_err(Refusal)
        }
    })
    .map_err(Failure::Unavailable)?;
    if let (Some((target, missing)), true) = (missing, mode != Mode::Kernel) {
        return Err(Failure::NoQemu { path: found.path.clone(), target, missing, places });
    }
    if is_verbose {
        // There is no place left to report to.
        let _ = writeln!(io::stderr(), "run: mode {mode}");
    }
    let unwatched = |error: watch::Error| Failure::Setup {
        what: "cannot watch programs".to_owned(),
        source: io::Error::other(error),
    };
    let become_command = move || -> Result<Infallible, Failure> {
        place.enter(is_in_namespace).map_err(|(what, source)| Failure::Setup { what, source })?;
        if let Some(watched) = watched {
            watched.report_execs().map_err(unwatched)?;
        }
        let mut environment = environment.clone();
        // The kernel starts QEMU with no arguments but the program's.
        if let (Wanted::Model(model), Mode::Kernel | Mode::Userns) = (&options.cpu, mode) {
            environment.set_default("QEMU_CPU", model);
        }
        execute(&found.path, command, &environment)
    };
    match policy {
        Some(policy) if mode == Mode::Trace => {
            let failed = || match become_command() {
                Err(failure) => i32::from(report(&failure)),
                Ok(never) => match never {},
            };
            let code = watch::front::run(Box::new(policy), failed).map_err(unwatched)?;
            Ok(u8::try_from(code).unwrap_or(125))
        }
        _ => match become_command() {
            Err(failure) => Err(failure),
            Ok(never) => match never {},
        },
    }
}

/// Fails unless something else runs foreign programs here: those of `target`, or of all for which there is a QEMU.
fn kernel(target: Option<Target>, emulators: &Emulators) -> Result<(), Refusal> {
    let refused = |target: Target| Err(Refusal(format!("nothing runs {target} programs here")));
    if let Some(target) = target {
        return if probe::runs(target) { Ok(()) } else { refused(target) };
    }
    let mut is_any = false;
    for (target, _) in emulators.of_foreign(Target::current()) {
        is_any = true;
        if !probe::runs(target) {
            return refused(target);
        }
    }
    if is_any { Ok(()) } else { Err(Refusal("there is no QEMU to compare with".to_owned())) }
}

fn execute(path: &Path, command: &[OsString], environment: &Environment) -> Result<Infallible, Failure> {
    let fail = |source: io::Error| Failure::Execute { path: path.to_owned(), source };
    // Arguments come as C strings: none has a NUL in it.
    let c_string = |bytes: &[u8]| CString::new(bytes).map_err(|error| fail(error.into()));
    let file = c_string(path.as_os_str().as_bytes())?;
    let arguments: Vec<CString> =
        command.iter().map(|argument| c_string(argument.as_bytes())).collect::<Result<_, _>>()?;
    watch::execute(&file, &arguments, &environment.all).map_err(|errno| fail(errno.into()))
}
