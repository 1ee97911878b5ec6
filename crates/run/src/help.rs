//! The texts that the program prints about itself, made of its table of options when it is compiled.

use usage::Block;

use crate::args::options::{OPTIONS, Opt};

/// The blocks of [`HELP`].
pub const BLOCKS: &[Block<Opt>] = &[
    Block::Usage("run [OPTIONS] [--] COMMAND [ARGUMENT...]"),
    Block::Text(
        "Runs a program, foreign or not, and puts QEMU in front of every foreign program that it starts. Nothing is registered with the\n\
         kernel, and no privilege is needed.",
    ),
    Block::Examples {
        column: 43,
        lines: &[
            ("run ./hello-arm64", "a foreign program"),
            ("run --root rootfs/ /bin/sh -c 'uname -m'", "one in a root file system"),
            ("run --check", "what can be done here"),
        ],
    },
    Block::Options { title: Some("Options"), column: 24, flags: &OPTIONS },
    Block::Text(
        "QEMU is looked for in this program's own file, --qemu-dir, this program's folder and its bin/, /qus/bin and /usr/bin, as\n\
         qemu-TARGET-static and qemu-TARGET.",
    ),
    Block::Text(
        "Exit codes: the command's; 125 if this program fails, 126 if the command cannot be executed, 127 if it is not found.",
    ),
];

/// `run --help`
pub const HELP: &str = usage::text(&BYTES);

const BYTES: [u8; usage::length(BLOCKS)] = usage::render(BLOCKS);

/// `run --version`
pub fn version() -> String {
    format!("run {}\n", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn help_is_as_it_has_always_been() {
        assert_eq!(super::HELP, include_str!("../tests/it/run.help"));
    }
}
