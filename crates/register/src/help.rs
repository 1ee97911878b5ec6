//! The texts that the program prints about itself, made of its tables of options when it is compiled. Manual pages, completions
//! and the documentation's tables are made from the same blocks.

use std::path::Path;

use usage::Block;

use crate::args::{binfmt, options};
use crate::inventory;

/// The output of `register --version`: this program's version, and those of the QEMUs that it would register from `dir`.
pub(crate) fn version(dir: &Path) -> String {
    let versions: Vec<String> = inventory::versions(dir).iter().map(ToString::to_string).collect();
    let dir = dir.display();
    let qemu = match versions.as_slice() {
        [] => format!("no QEMU in {dir}"),
        versions => format!("QEMU {} in {dir}", versions.join(", ")),
    };
    format!("register {}\n{qemu}\n", env!("CARGO_PKG_VERSION"))
}

/// The blocks of [`REGISTER`].
pub const REGISTER_BLOCKS: &[Block<options::Opt>] = &[
    Block::Usage("register [OPTIONS] [TARGETS] [-- [OPTIONS] [TARGETS]]"),
    Block::Text("Tells the kernel which QEMU runs which foreign programs (binfmt_misc)."),
    Block::Examples {
        column: 31,
        lines: &[
            ("register -s -- -p", "every target whose binary is in the image, kept in memory"),
            ("register -s -- -p arm,s390x", "some targets; arm64, linux/arm64 and aarch64 are one"),
            ("register -- -r [TARGETS]", "remove what was registered"),
            ("register -l", "list what is registered, and whether it works"),
        ],
    },
    Block::Options { title: Some("Before --"), column: 24, flags: &options::BEFORE },
    Block::Options { title: Some("After --"), column: 33, flags: &options::AFTER },
    Block::Options { title: Some("On either side"), column: 25, flags: &options::EITHER },
    Block::Text(
        "Called as binfmt, or with --install or --uninstall, it takes tonistiigi/binfmt's options.\n\
         Exit code 0 means that everything that was asked for holds.",
    ),
];

/// `register --help`
pub const REGISTER: &str = usage::text(&REGISTER_BYTES);

const REGISTER_BYTES: [u8; usage::length(REGISTER_BLOCKS)] = usage::render(REGISTER_BLOCKS);

/// The blocks of [`BINFMT`].
pub const BINFMT_BLOCKS: &[Block<binfmt::Opt>] = &[
    Block::Usage("binfmt [--uninstall LIST|PATTERN] [--install LIST|all] [--mount DIR] [--version]"),
    Block::Text(
        "Takes the command line of tonistiigi/binfmt. Without options it prints which platforms this machine runs, and\n\
         which emulators are registered, as JSON.",
    ),
    Block::Options { title: None, column: 28, flags: &binfmt::OPTIONS },
];

/// `binfmt --help`
pub const BINFMT: &str = usage::text(&BINFMT_BYTES);

const BINFMT_BYTES: [u8; usage::length(BINFMT_BLOCKS)] = usage::render(BINFMT_BLOCKS);
