//! The options of `run`.

use usage::{Flag, Kind, Value};

/// The meaning of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table below says what each does")]
pub enum Opt {
    Check,
    Cpu,
    Help,
    Install,
    Json,
    Mode,
    QemuDir,
    Root,
    Verbose,
    Version,
}

const DIR: Value = Value::One("DIR", Kind::Folder);
const CPU: Value = Value::One("MODEL", Kind::Word(CPUS));
const MODE: Value = Value::One("MODE", Kind::Word(MODES));

/// The values of `--mode`.
pub const MODES: &str = "auto kernel userns notify trace";

/// The values of `--cpu` that are no models.
pub const CPUS: &str = "auto qemu";

/// The options.
#[rustfmt::skip]
pub const OPTIONS: [Flag<Opt>; 10] = [
    Flag::new(Opt::Root, &["root"], "run in DIR, as the root").value(DIR),
    Flag::new(Opt::Mode, &["mode"], "auto (default), kernel, userns, notify or trace: that mode or none").value(MODE),
    Flag::new(Opt::Cpu, &["cpu"], "the CPU to emulate: auto (default: a fast one), qemu (QEMU's own default), or as -cpu has it").value(CPU),
    Flag::new(Opt::QemuDir, &["qemu-dir"], "where QEMU is, before other places (default $QEMU_BIN_DIR)").value(DIR),
    Flag::new(Opt::Check, &["check"], "print the mode that would be used, and the targets; exit with 0 if something can run"),
    Flag::new(Opt::Json, &["json"], "the same for machines"),
    Flag::new(Opt::Install, &["install"], "copy this program and its QEMUs to DIR").value(DIR),
    Flag::new(Opt::Verbose, &["v", "verbose"], "print each exec and what became of it on stderr (QUS_RUN_LOG=1)"),
    Flag::new(Opt::Help, &["h", "help"], "this text"),
    Flag::new(Opt::Version, &["V", "version"], "the version of this program"),
];
