//! The variables that the program reads, and those that it hands on.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// The environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// `QEMU_BIN_DIR`, where QEMU is.
    pub qemu_bin_dir: Option<PathBuf>,
    /// `QUS_RUN_LOG`: true to report every exec.
    pub is_verbose: bool,
    /// `PATH`, where commands are.
    pub path: Option<OsString>,
    /// All of it, for the command.
    pub all: Vec<CString>,
}

impl Environment {
    /// Takes what matters out of all variables. An empty one is as good as none.
    pub fn new(variables: impl Iterator<Item = (OsString, OsString)>) -> Environment {
        let mut environment = Environment::default();
        for (name, value) in variables {
            let is_set = !value.is_empty();
            match name.as_bytes() {
                b"QEMU_BIN_DIR" if is_set => environment.qemu_bin_dir = Some(value.clone().into()),
                b"QUS_RUN_LOG" => environment.is_verbose = is_set && value != "0",
                b"PATH" => environment.path = Some(value.clone()),
                _ => {}
            }
            let pair = [name.into_vec(), b"=".to_vec(), value.into_vec()].concat();
            // No variable has a NUL in it: they are C strings.
            environment.all.extend(CString::new(pair));
        }
        environment
    }

    /// Hands on a variable, if there is none of this name.
    pub fn set_default(&mut self, name: &str, value: &str) {
        let start = format!("{name}=");
        if !self.all.iter().any(|pair| pair.as_bytes().starts_with(start.as_bytes())) {
            // The value was an argument, a C string.
            self.all.extend(CString::new(start + value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Environment {
        Environment::new(variables.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn variables_that_matter_are_handed_on_too() {
        let environment = read(&[("A", ""), ("QUS_RUN_LOG", "1"), ("PATH", "/bin"), ("QEMU_BIN_DIR", "/q")]);
        let all = ["A=", "QUS_RUN_LOG=1", "PATH=/bin", "QEMU_BIN_DIR=/q"];
        assert_eq!(
            environment,
            Environment {
                qemu_bin_dir: Some("/q".into()),
                is_verbose: true,
                path: Some("/bin".into()),
                all: all.iter().map(|text| CString::new(*text).unwrap()).collect(),
            }
        );
    }

    #[test]
    fn a_variable_that_is_there_stays() {
        let mut environment = read(&[("QEMU_CPU", "")]);
        environment.set_default("QEMU_CPU", "max");
        environment.set_default("QEMU", "x");
        assert_eq!(environment.all, [c"QEMU_CPU=".to_owned(), c"QEMU=x".to_owned()]);
    }

    #[test]
    fn empty_ones_count_as_unset() {
        let environment = read(&[("QUS_RUN_LOG", ""), ("QEMU_BIN_DIR", "")]);
        assert_eq!((environment.is_verbose, environment.qemu_bin_dir), (false, None));
        assert!(!read(&[("QUS_RUN_LOG", "0")]).is_verbose);
    }
}
