//! The environment variables that count.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The variables with their meanings, for manual pages and documentation.
#[rustfmt::skip]
pub static VARIABLES: [(&str, &str); 15] = [
    ("QEMU_BIN_DIR", "the folder with the binaries, which the images set; default /usr/bin; --qemu-path wins"),
    ("QEMU_PATH", "the folder, if QEMU_BIN_DIR is not set"),
    ("QEMU_SUFFIX", "what follows qemu-TARGET in the binaries' names, as --qemu-suffix"),
    ("QEMU_TARGET", "targets, if none are typed"),
    ("QEMU_TARGETS", "targets, if QEMU_TARGET is not set either"),
    ("QEMU_PERSISTENT", "yes or no, as --persistent"),
    ("QEMU_CREDENTIAL", "yes or no, as --credential"),
    ("QEMU_CLEAR", "yes or no, as --clear"),
    ("QEMU_TEST", "yes or no, as --test"),
    ("EXPORTDIR", "where --systemd and --debian write; default /etc/binfmt.d and /usr/share/binfmts"),
    ("HOST_ARCH", "in place of `uname -m`, to write files for another machine"),
    ("QUS_BINFMT_MISC", "where binfmt_misc is mounted, as --mount"),
    ("QEMU_BINARY_PATH", "as binfmt only: the folder with the binaries"),
    ("QEMU_PRESERVE_ARGV0", "as binfmt only: the flag P, if it is not empty"),
    ("QEMU_BINARY_PREFIX", "as binfmt only: refused"),
];

/// The settings in the environment. A variable that is empty says nothing.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Environment {
    /// `QEMU_BIN_DIR`: where the QEMU binaries are; the images set it.
    pub bin_dir: Option<PathBuf>,
    /// `QEMU_PATH`: the same, of QEMU's script.
    pub path: Option<PathBuf>,
    /// `QEMU_SUFFIX`
    pub suffix: Option<OsString>,
    /// `HOST_ARCH`, in place of `uname -m`.
    pub host_arch: Option<String>,
    /// `QEMU_TARGET`, or `QEMU_TARGETS` as its help called it.
    pub targets: Option<String>,
    /// `QEMU_PERSISTENT`
    pub persistent: Option<bool>,
    /// `QEMU_CREDENTIAL`
    pub credential: Option<bool>,
    /// `QEMU_CLEAR`
    pub clear: Option<bool>,
    /// `QEMU_TEST`
    pub test: Option<bool>,
    /// `EXPORTDIR`
    pub exportdir: Option<PathBuf>,
    /// `QUS_BINFMT_MISC`: where binfmt_misc is mounted.
    pub binfmt_misc: Option<PathBuf>,
    /// `QEMU_BINARY_PATH`, of tonistiigi/binfmt.
    pub binary_path: Option<PathBuf>,
    /// `QEMU_BINARY_PREFIX`, of tonistiigi/binfmt.
    pub binary_prefix: Option<String>,
    /// `QEMU_PRESERVE_ARGV0`, of tonistiigi/binfmt: `P` if it says anything.
    pub preserve_argv0: bool,
}

/// A variable with a value that it cannot have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadVariable {
    /// Neither `yes` nor `no`.
    #[error("{0} is `{1}`; it can be `yes` or `no`")]
    YesNo(&'static str, String),
    /// A name that is not text.
    #[error("{0} is `{1}`, which is not valid UTF-8")]
    NotUtf8(&'static str, String),
}

impl Environment {
    /// Reads the variables that `get` knows.
    ///
    /// # Errors
    /// [`BadVariable`], for the first value that cannot be.
    pub fn read(get: impl Fn(&'static str) -> Option<OsString>) -> Result<Environment, BadVariable> {
        let raw = |name| get(name).filter(|value| !value.is_empty());
        let path = |name| raw(name).map(PathBuf::from);
        let shown = |value: &OsStr| value.to_string_lossy().into_owned();
        let text = |name| {
            let value = raw(name).map(|value| value.into_string().map_err(|value| shown(&value)));
            value.transpose().map_err(|value| BadVariable::NotUtf8(name, value))
        };
        let yes_no = |name| match raw(name) {
            None => Ok(None),
            Some(value) if value == "yes" => Ok(Some(true)),
            Some(value) if value == "no" => Ok(Some(false)),
            Some(value) => Err(BadVariable::YesNo(name, shown(&value))),
        };
        Ok(Environment {
            bin_dir: path("QEMU_BIN_DIR"),
            path: path("QEMU_PATH"),
            suffix: raw("QEMU_SUFFIX"),
            host_arch: text("HOST_ARCH")?,
            targets: text("QEMU_TARGET")?
                .map_or_else(|| text("QEMU_TARGETS"), |targets| Ok(Some(targets)))?,
            persistent: yes_no("QEMU_PERSISTENT")?,
            credential: yes_no("QEMU_CREDENTIAL")?,
            clear: yes_no("QEMU_CLEAR")?,
            test: yes_no("QEMU_TEST")?,
            exportdir: path("EXPORTDIR"),
            binfmt_misc: path("QUS_BINFMT_MISC"),
            binary_path: path("QEMU_BINARY_PATH"),
            binary_prefix: text("QEMU_BINARY_PREFIX")?,
            preserve_argv0: raw("QEMU_PRESERVE_ARGV0").is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Environment, BadVariable> {
        Environment::read(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_table_has_the_variables_that_are_read() {
        let asked = std::cell::RefCell::new(Vec::new());
        Environment::read(|name| {
            asked.borrow_mut().push(name);
            None
        })
        .unwrap();
        let mut asked = asked.into_inner();
        let mut told: Vec<_> = VARIABLES.iter().map(|(name, _)| *name).collect();
        asked.sort_unstable();
        told.sort_unstable();
        assert_eq!(told, asked);
    }

    #[test]
    fn empty_says_nothing_and_nonsense_is_refused() {
        assert_eq!(read(&[]), Ok(Environment::default()));
        assert_eq!(read(&[("QEMU_BIN_DIR", ""), ("QEMU_CLEAR", "")]), Ok(Environment::default()));
        let both = read(&[("QEMU_TARGETS", "arm"), ("QEMU_TARGET", "sparc")]).unwrap();
        assert_eq!(both.targets.as_deref(), Some("sparc"));
        assert_eq!(read(&[("QEMU_TARGETS", "arm")]).unwrap().targets.as_deref(), Some("arm"));
        assert_eq!(read(&[("QEMU_PERSISTENT", "no")]).unwrap().persistent, Some(false));
        let error = read(&[("QEMU_PERSISTENT", "true")]).unwrap_err();
        assert_eq!(error.to_string(), "QEMU_PERSISTENT is `true`; it can be `yes` or `no`");
    }
}
