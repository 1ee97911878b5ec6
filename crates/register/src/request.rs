//! The request, made definite: the environment fills what was left open, and names become targets.

use std::ffi::OsString;
use std::path::PathBuf;

use arch::{Status, Target, UnknownName};

use crate::args::{self, Action, Args, Cpu, Mode, Step, Style};
use crate::environment::Environment;
use crate::output::Output;

/// Everything that is to be done, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The first step.
    pub steps: Vec<Step>,
    /// The next step, if any.
    pub action: Option<Action>,
    /// The extent of the run.
    pub mode: Mode,
    /// For which targets.
    pub selection: Selection,
    /// The interpreters' folder, absolute.
    pub dir: PathBuf,
    /// The suffix after `qemu-TARGET` in the interpreters' names.
    pub suffix: OsString,
    /// The flag `F`.
    pub persistent: bool,
    /// The flags `O` and `C`.
    pub credential: bool,
    /// The CPU models; `None` leaves them to each QEMU.
    pub cpu: Option<Cpu>,
    /// The flag `P`; `None` where kernel and QEMU agree on it.
    pub preserve_argv0: Option<bool>,
    /// Register targets of the machine's own family too.
    pub ignore_family: bool,
    /// The folder that `--systemd` and `--debian` write to.
    pub exportdir: Option<PathBuf>,
    /// The place of binfmt_misc.
    pub mount: Option<PathBuf>,
    /// Replace and remove other tools' entries.
    pub force: bool,
    /// Run a program of each target; by default after `-p`.
    pub check: bool,
    /// The same, where the user has asked for it: that a program could not be tried is a failure then.
    pub must_check: bool,
    /// Run the programs of a full check, too.
    pub full: bool,
    /// True if programs may be run at all.
    pub no_check: bool,
    /// Accept entries that vanish with this container.
    pub ephemeral: bool,
    /// In place of `uname -m`.
    pub host_arch: Option<String>,
}

/// Some targets, or all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Selection {
    /// All that there are.
    #[default]
    All,
    /// These, in this order, each once.
    Named(Vec<Target>),
}

impl Selection {
    /// True if a target is in it.
    pub fn contains(&self, target: Target) -> bool {
        match self {
            Selection::All => true,
            Selection::Named(targets) => targets.contains(&target),
        }
    }

    /// The targets: with [`Selection::All`], those that QEMU has today, each under all its entries.
    pub fn targets(&self) -> Vec<Target> {
        match self {
            Selection::All => Target::all().filter(|target| target.status() != Status::Retired).collect(),
            Selection::Named(targets) => targets.clone(),
        }
    }
}

/// Reads a list of names; none, or an `all` among them, is everything.
///
/// # Errors
/// Every name that is not a target's.
pub fn select(names: &[String]) -> Result<Selection, Vec<UnknownName>> {
    let mut unknown = Vec::new();
    let mut targets = Vec::new();
    let mut all = names.is_empty();
    for name in names {
        match name.parse::<Target>() {
            Ok(target) if targets.contains(&target) => {}
            Ok(target) => targets.push(target),
            Err(_) if name.eq_ignore_ascii_case("all") => all = true,
            Err(error) => unknown.push(error),
        }
    }
    match (unknown.is_empty(), all) {
        (false, _) => Err(unknown),
        (true, true) => Ok(Selection::All),
        (true, false) => Ok(Selection::Named(targets)),
    }
}

/// One message for each name that is no target's.
pub(crate) fn report_unknown(unknown: &[UnknownName], output: &mut Output<'_>) {
    for error in unknown {
        output.error(error);
    }
    let names: Vec<&str> = Target::all().map(Target::name).collect();
    output.hint(format_args!("the targets are {}", names.join(" ")));
}

impl Request {
    /// Options win over the environment.
    ///
    /// # Errors
    /// The names that are not targets'.
    pub fn new(args: Args, environment: &Environment) -> Result<Request, Vec<UnknownName>> {
        let from_environment: Vec<String>;
        let names = match &environment.targets {
            Some(list) if args.targets.is_empty() => {
                from_environment = args::names(list).collect();
                &from_environment
            }
            _ => &args.targets,
        };
        let selection = select(names)?;
        let action = match args.action {
            Some(Action::Register) if environment.clear == Some(true) => Some(Action::Remove),
            Some(Action::Export(style)) if environment.clear == Some(true) => Some(Action::Unexport(style)),
            action => action,
        };
        let mode = match args.mode {
            Mode::Do if environment.test == Some(true) => Mode::Test,
            mode => mode,
        };
        let persistent = args.persistent.or(environment.persistent).unwrap_or(false);
        let suffix = args.qemu_suffix.or_else(|| args.r#static.then(|| "-static".into()));
        Ok(Request {
            steps: args.steps,
            action,
            mode,
            selection,
            dir: folder(args.qemu_path, environment),
            suffix: suffix.or_else(|| environment.suffix.clone()).unwrap_or_default(),
            persistent,
            credential: args.credential.or(environment.credential).unwrap_or(false),
            cpu: args.cpu,
            preserve_argv0: args.preserve_argv0,
            ignore_family: args.ignore_family.unwrap_or(false),
            exportdir: args.exportdir.or_else(|| environment.exportdir.clone()),
            mount: args.mount.or_else(|| environment.binfmt_misc.clone()),
            force: args.force,
            check: args.check.unwrap_or(persistent),
            must_check: args.check == Some(true),
            full: args.full,
            no_check: args.check == Some(false),
            ephemeral: args.ephemeral,
            host_arch: environment.host_arch.clone(),
        })
    }

    /// The path of the interpreter of a target, which need not be there.
    pub fn interpreter(&self, target: Target) -> PathBuf {
        let mut name = OsString::from(format!("qemu-{}", target.binary()));
        name.push(&self.suffix);
        self.dir.join(name)
    }

    /// The folder for the files of `style`.
    pub fn exportdir(&self, style: Style) -> PathBuf {
        self.exportdir.clone().unwrap_or_else(|| {
            PathBuf::from(match style {
                Style::Systemd => "/etc/binfmt.d",
                Style::Debian => "/usr/share/binfmts",
            })
        })
    }
}

/// The interpreters' folder. The old wrapper passed `QEMU_BIN_DIR` on as an option, so that it wins over `QEMU_PATH`.
pub fn folder(typed: Option<PathBuf>, environment: &Environment) -> PathBuf {
    let dir = typed.or_else(|| environment.bin_dir.clone()).or_else(|| environment.path.clone());
    let dir = dir.unwrap_or_else(|| "/usr/bin".into());
    // The kernel would look a relative path up wherever a program is started.
    std::path::absolute(&dir).unwrap_or(dir)
}
