//! `register.1`, from the program's own help, its variables and its targets.

use arch::Target;
use clap_mangen::roff::{Roff, roman};
use register::environment::VARIABLES;
use register::help::{BINFMT_BLOCKS, REGISTER_BLOCKS};

use crate::File;
use crate::blocks::{self, environment, section, text};

/// The help says of `--credential`: read the manual first.
const SECURITY: &str = "\
With --credential, set-user-ID programs of the target run with their owner's rights, in QEMU. Whoever can bring such a \
program that root owns onto the machine, for instance in an image that is run, becomes root. Without it, sudo and ping do \
not work in foreign containers. register never sets it by itself; as binfmt it does, as that tool does, unless \
QEMU_CREDENTIAL is no.";

pub(crate) fn page() -> File {
    let name = "register - tell the kernel which QEMU runs which foreign programs";
    let mut page = blocks::page("REGISTER", name, REGISTER_BLOCKS);
    section("AS BINFMT", BINFMT_BLOCKS, &mut page);
    targets(&mut page);
    environment(&VARIABLES, &mut page);
    text("SECURITY", SECURITY, &mut page);
    let others = "binfmt.d(5), systemd-binfmt.service(8), update-binfmts(8), user_namespaces(7)";
    text("SEE ALSO", others, &mut page);
    File::new("register.1", crate::undated(&page.render()))
}

fn targets(page: &mut Roff) {
    text("TARGETS", "These, and the names that Debian, Docker and OCI have for them:", page);
    page.control("PP", []);
    let names: Vec<&str> = Target::all().map(Target::name).collect();
    page.text([roman(format!("{}.", names.join(", ")))]);
}

#[cfg(test)]
mod tests {
    use register::help::{BINFMT, REGISTER};

    use super::*;

    #[test]
    fn the_page_has_every_word_of_the_help() {
        let page = String::from_utf8(page().bytes).unwrap();
        // Without what roff writes for fonts, dashes and quotes.
        let plain = page
            .replace("\\fB", "")
            .replace("\\fI", "")
            .replace("\\fR", "")
            .replace("\\-", "-")
            .replace("\\*(Aq", "'")
            .replace("\\(aq", "'");
        for word in REGISTER.split_whitespace().chain(BINFMT.split_whitespace()) {
            let word = word.trim_end_matches(':');
            assert!(word == "Usage" || plain.contains(word), "{word}: {plain}");
        }
        assert!(!plain.contains("this text"), "{plain}");
        assert!(plain.contains("-h, --help\nprint a short help text\n"), "{plain}");
        assert!(plain.contains("-h, --help\nprint a short help text, with exit code 1\n"), "{plain}");
        for name in Target::all().map(Target::name).chain(VARIABLES.map(|(name, _)| name)) {
            assert!(plain.contains(name), "{name}");
        }
    }

    #[test]
    fn an_option_is_bold_and_its_value_is_not() {
        let page = String::from_utf8(page().bytes).unwrap();
        let expected = ".TP\n\\fB\\-Q\\fR, \\fB\\-\\-qemu\\-path\\fR \\fIDIR\\fR\n";
        assert!(page.contains(expected), "{page}");
    }
}
