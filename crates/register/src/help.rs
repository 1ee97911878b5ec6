//! Texts that are printed as they are. Manual pages, completions and the documentation's tables are made from them, through
//! their [`outline`].

pub mod outline;

use crate::inventory::Inventory;

/// The output of `register --version`: this program's version, and those of the QEMUs that it would register.
pub(crate) fn version(inventory: &Inventory) -> String {
    let dir = inventory.dir().display();
    let versions: Vec<String> = inventory.versions().iter().map(ToString::to_string).collect();
    let qemu = match versions.as_slice() {
        [] => format!("no QEMU in {dir}"),
        versions => format!("QEMU {} in {dir}", versions.join(", ")),
    };
    format!("register {}\n{qemu}\n", env!("CARGO_PKG_VERSION"))
}

/// `register --help`
pub const REGISTER: &str = "\
Usage: register [OPTIONS] [TARGETS] [-- [OPTIONS] [TARGETS]]

Tells the kernel which QEMU runs which foreign programs (binfmt_misc).

  register -s -- -p            every target whose binary is in the image, kept in memory
  register -s -- -p arm,s390x  some targets; arm64, linux/arm64 and aarch64 are one
  register -- -r [TARGETS]     remove what was registered
  register -l                  list what is registered, and whether it works

Before --:
  -h, --help            this text
  -V, --version         versions of this program and of its QEMU
  -l, --list            list entries; -l -- -p goes on to register
      --json            the same for machines
  -s, --static          the binaries are called qemu-TARGET-static
  -r, --reset           first remove all entries of QEMU's that are not another tool's
  -e, --exit            do not register anything
  -t, --targets LIST    register these (separated by commas or spaces)
  -i, --interactive [COMMAND [ARG...]]
                        become this command, or a shell

After --:
  -p, --persistent [yes|no]      load the binary now, so that containers need not hold it (F; Linux 4.8)
  -c, --credential [yes|no]      set-user-ID programs keep their rights (OC); read the manual first
  -g, --preserve-argv0 [yes|no]  programs see their argv[0] (P); on where kernel and QEMU agree
  -r, --clear, --reset           remove the targets' entries and do nothing else
  -t, --test                     check that entries could be registered, and do nothing else
  -s, --systemd                  write files for systemd-binfmt.service (/etc/binfmt.d)
  -d, --debian                   write files for update-binfmts (/usr/share/binfmts)
  -e, --exportdir DIR            write them there
  -Q, --qemu-path DIR            where the binaries are (default $QEMU_BIN_DIR, /usr/bin)
  -F, --qemu-suffix SUFFIX       what follows qemu-TARGET in their names
  -i, --ignore-family [yes|no]   register targets that this machine runs by itself, except its own
  -h, --help                     this text, with exit code 1

On either side:
      --check [TARGETS]  run a small program of each target; done after -p
      --no-check         run no programs
  -f, --force            replace and remove other tools' entries too
      --ephemeral        accept entries that vanish with this container
  -n, --dry-run          print what would be registered, removed or written
  -m, --mount DIR        where binfmt_misc is (default $QUS_BINFMT_MISC, /proc/sys/fs/binfmt_misc)

Called as binfmt, or with --install or --uninstall, it takes tonistiigi/binfmt's options.
Exit code 0 means that everything that was asked for holds.
";

/// `binfmt --help`
pub const BINFMT: &str = "\
Usage: binfmt [--uninstall LIST|PATTERN] [--install LIST|all] [--mount DIR] [--version]

Takes the command line of tonistiigi/binfmt. Without options it prints which platforms this machine runs, and
which emulators are registered, as JSON.

  --install LIST|all        register these, as arm64,riscv64,arm
  --uninstall LIST|PATTERN  remove these, as arm64 or qemu-aarch64 or 'qemu-*'
  --mount DIR               where binfmt_misc is (default $QUS_BINFMT_MISC, /proc/sys/fs/binfmt_misc)
  --version                 versions of this program and of its QEMU
  --force                   replace and remove other tools' entries too
  --ephemeral               accept entries that vanish with this container
  --no-check                run no programs; `supported` then goes by the entries
";
