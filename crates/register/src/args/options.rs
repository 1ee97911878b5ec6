//! The options of `register`.

use usage::{Flag, Kind, Value};

/// The meaning of an option; the letters that spell it depend on the side of `--`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the tables below say what each does")]
pub enum Opt {
    Check,
    Clear,
    Cpu,
    Credential,
    Debian,
    DryRun,
    Ephemeral,
    Exit,
    ExportDir,
    Force,
    Help,
    IgnoreFamily,
    Interactive,
    Json,
    List,
    Mount,
    NoCheck,
    Path,
    Persistent,
    PreserveArgv0,
    Reset,
    Static,
    Suffix,
    Systemd,
    Targets,
    Test,
    Version,
}

const DIR: Value = Value::One("DIR", Kind::Folder);

/// The options of the wrapper, which came before `--`.
///
/// Those of one side work on the other as well, under each name that means nothing else there.
#[rustfmt::skip]
pub const BEFORE: [Flag<Opt>; 9] = [
    Flag::new(Opt::Help, &["h", "help"], "this text"),
    Flag::new(Opt::Version, &["V", "version"], "versions of this program and of its QEMU"),
    Flag::new(Opt::List, &["l", "list"], "list entries; -l -- -p goes on to register, -l --check to check"),
    Flag::new(Opt::Json, &["json"], "the same for machines; all else is then on stderr"),
    Flag::new(Opt::Static, &["s", "static"], "the binaries are called qemu-TARGET-static"),
    Flag::new(Opt::Reset, &["r", "reset"], "first remove all entries of QEMU's that are not another tool's"),
    Flag::new(Opt::Exit, &["e", "exit"], "do not register anything"),
    Flag::new(Opt::Targets, &["t", "targets"], "register these (separated by commas or spaces)").value(Value::One("LIST", Kind::Targets)),
    Flag::new(Opt::Interactive, &["i", "interactive"], "become this command, or a shell").value(Value::Rest("[COMMAND [ARG...]]", Kind::Command)),
];

/// The options of QEMU's script, which came after `--`.
#[rustfmt::skip]
pub const AFTER: [Flag<Opt>; 13] = [
    Flag::new(Opt::Persistent, &["p", "persistent"], "load the binary now, so that containers need not hold it (F; Linux 4.8)").value(Value::YesNo),
    Flag::new(Opt::Credential, &["c", "credential"], "set-user-ID programs keep their rights (OC); read the manual first").value(Value::YesNo),
    Flag::new(Opt::Cpu, &["cpu"], "with -p: a CPU model that is fast, or MODEL; qemu: as QEMU chooses").value(Value::Attached("[=MODEL]")),
    Flag::new(Opt::PreserveArgv0, &["g", "preserve-argv0"], "programs see their argv[0] (P); on where kernel and QEMU agree").value(Value::YesNo),
    Flag::new(Opt::Clear, &["r", "clear", "reset", "remove"], "remove the targets' entries and do nothing else").hidden(1),
    Flag::new(Opt::Test, &["t", "test"], "check that entries could be registered, and do nothing else"),
    Flag::new(Opt::Systemd, &["s", "systemd"], "write files for systemd-binfmt.service (/etc/binfmt.d)"),
    Flag::new(Opt::Debian, &["d", "debian"], "write files for update-binfmts (/usr/share/binfmts)"),
    Flag::new(Opt::ExportDir, &["e", "exportdir"], "write them there").value(DIR),
    Flag::new(Opt::Path, &["Q", "qemu-path", "path"], "where the binaries are (default $QEMU_BIN_DIR, /usr/bin)").value(DIR).hidden(1),
    Flag::new(Opt::Suffix, &["F", "qemu-suffix", "suffix"], "what follows qemu-TARGET in their names").value(Value::One("SUFFIX", Kind::Any)).hidden(1),
    Flag::new(Opt::IgnoreFamily, &["i", "ignore-family"], "register targets that this machine runs by itself, except its own").value(Value::YesNo),
    Flag::new(Opt::Help, &["h", "help"], "this text, with exit code 1"),
];

/// The options that are on either side.
#[rustfmt::skip]
pub const EITHER: [Flag<Opt>; 6] = [
    Flag::new(Opt::Check, &["check"], "run a small program of each target; done after -p; full: one that does more").value(Value::Attached("[=full] [TARGETS]")),
    Flag::new(Opt::NoCheck, &["no-check"], "run no programs"),
    Flag::new(Opt::Force, &["f", "force"], "replace and remove other tools' entries too"),
    Flag::new(Opt::Ephemeral, &["ephemeral"], "accept entries that vanish with this container"),
    Flag::new(Opt::DryRun, &["n", "dry-run"], "print what would be registered, removed or written"),
    Flag::new(Opt::Mount, &["m", "mount"], "where binfmt_misc is (default $QUS_BINFMT_MISC, /proc/sys/fs/binfmt_misc)").value(DIR),
];
