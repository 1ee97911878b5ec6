//! Texts that are printed as they are.

/// `run --help`
pub const HELP: &str = "\
Usage: run [OPTIONS] [--] COMMAND [ARGUMENT...]

Runs a program, foreign or not, and puts QEMU in front of every foreign program that it starts. Nothing is registered with the
kernel, and no privilege is needed.

  run ./hello-arm64                        a foreign program
  run --root rootfs/ /bin/sh -c 'uname -m' one in a root file system
  run --check                              what can be done here

Options:
      --root DIR        run in DIR, as the root
      --mode MODE       auto (default), kernel, userns, notify or trace: that mode or none
      --qemu-dir DIR    where QEMU is, before other places (default $QEMU_BIN_DIR)
      --check           print the mode that would be used, and the targets; exit with 0 if something can run
      --json            the same for machines
      --install DIR     copy this program and its QEMUs to DIR
  -v, --verbose         print each exec and what became of it on stderr (QUS_RUN_LOG=1)
  -h, --help            this text
  -V, --version         the version of this program

QEMU is looked for in this program's own file, --qemu-dir, this program's folder and its bin/, /qus/bin and /usr/bin, as
qemu-TARGET-static and qemu-TARGET.

Exit codes: the command's; 125 if this program fails, 126 if the command cannot be executed, 127 if it is not found.
";

/// `run --version`
pub fn version() -> String {
    format!("run {}\n", env!("CARGO_PKG_VERSION"))
}
