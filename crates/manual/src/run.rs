//! `qus-run.1`, from the program's own help.

use arch::Host;
use clap_mangen::roff::{Roff, bold, roman};
use register::help::outline::{self, Block};
use run::help::HELP;

use crate::File;
use crate::blocks::section;

/// The notes that the help leaves to the pages of the documentation.
const NOTES: &str = "\
Inside, strace and gdb are refused, and set-user-ID programs do not get their owner's rights (no_new_privs). ps and pgrep show \
qemu-TARGET as a program's name. It is no sandbox: it keeps no program from anything.";

const VARIABLES: [(&str, &str); 2] = [
    ("QEMU_BIN_DIR", "the folder with QEMU that is looked into first, unless --qemu-dir is given"),
    ("QUS_RUN_LOG", "1 is --verbose"),
];

pub(crate) fn page() -> File {
    let mut page = Roff::new();
    page.control("TH", ["QUS-RUN", "1", "", concat!("qus ", env!("CARGO_PKG_VERSION")), "qus"]);
    page.control("SH", ["NAME"]);
    page.text([roman("qus-run - run foreign programs, and all that they start, without privilege")]);
    let (options, rest): (Vec<_>, Vec<_>) =
        outline::blocks(HELP).into_iter().partition(|block| matches!(block, Block::Options { .. }));
    let (usage, rest) = rest.split_at(1);
    for (title, blocks) in [("SYNOPSIS", usage), ("DESCRIPTION", rest), ("OPTIONS", &options)] {
        section(title, blocks, &mut page);
    }
    page.control("SH", ["ENVIRONMENT"]);
    for (name, meaning) in VARIABLES {
        page.control("TP", []).text([bold(name)]).text([roman(meaning)]);
    }
    page.control("SH", ["HOSTS"]);
    let hosts: Vec<&str> = Host::all().filter(|host| host.has_run()).map(Host::name).collect();
    page.text([roman(format!("In images it is /qus/run. There is one for {}.", hosts.join(", ")))]);
    page.control("SH", ["NOTES"]);
    page.text([roman(NOTES)]);
    page.control("SH", ["SEE ALSO"]);
    page.text([roman("register(1), ptrace(2), seccomp(2), user_namespaces(7)")]);
    // The file of a release has the longer name.
    let page =
        page.render().replace("\\fBrun\\fR ", "\\fBqus\\-run\\fR ").replace("\\fBrun ", "\\fBqus\\-run ");
    File::new("qus-run.1", crate::undated(&page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_option_and_calls_the_program_by_its_files_name() {
        let page = String::from_utf8(page().bytes).unwrap();
        assert!(page.contains(".SH SYNOPSIS\n\\fBqus\\-run\\fR [OPTIONS] "), "{page}");
        assert!(page.contains("\\fBqus\\-run \\-\\-check\\fR\n"), "{page}");
        for option in ["root", "mode", "qemu\\-dir", "check", "json", "install", "verbose", "help", "version"]
        {
            assert!(page.contains(&format!("\\fB\\-\\-{option}\\fR")), "{option}: {page}");
        }
        assert!(!page.contains("\\fBrun") && !page.contains("this text"), "{page}");
    }
}
