//! `qus-run.1`, from the program's own help.

use arch::Host;
use run::help::BLOCKS;

use crate::File;
use crate::blocks::{self, environment, text};

/// The notes that the help leaves to the pages of the documentation.
const NOTES: &str = "\
Inside, strace and gdb are refused, and set-user-ID programs do not get their owner's rights (no_new_privs). ps and pgrep show \
qemu-TARGET as a program's name. It is no sandbox: it keeps no program from anything.";

const VARIABLES: [(&str, &str); 2] = [
    ("QEMU_BIN_DIR", "the folder with QEMU that is looked into first, unless --qemu-dir is given"),
    ("QUS_RUN_LOG", "1 is --verbose"),
];

pub(crate) fn page() -> File {
    let name = "qus-run - run foreign programs, and all that they start, without privilege";
    let mut page = blocks::page("QUS-RUN", name, BLOCKS);
    environment(&VARIABLES, &mut page);
    let hosts: Vec<&str> = Host::all().filter(|host| host.has_run()).map(Host::name).collect();
    let hosts = format!("In images it is /qus/run. There is one for {}.", hosts.join(", "));
    text("HOSTS", &hosts, &mut page);
    text("NOTES", NOTES, &mut page);
    text("SEE ALSO", "register(1), ptrace(2), seccomp(2), user_namespaces(7)", &mut page);
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
        // The help has no room for more than one space between this one and its effect.
        assert!(page.contains(" \\-c \\*(Aquname \\-m\\*(Aq\\fR\none in a root file system\n"), "{page}");
        for option in ["root", "mode", "qemu\\-dir", "check", "json", "install", "verbose", "help", "version"]
        {
            assert!(page.contains(&format!("\\fB\\-\\-{option}\\fR")), "{option}: {page}");
        }
        assert!(!page.contains("\\fBrun") && !page.contains("this text"), "{page}");
    }
}
