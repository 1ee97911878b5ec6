//! An error as people read it: its causes on one line, and what to do about them on another.

use std::error::Error;

/// `error: …` with its causes on one line, then a line `hint: …` if one of `hints` has any.
pub fn explain(
    error: &(dyn Error + 'static),
    hints: &[fn(&(dyn Error + 'static)) -> Option<String>],
) -> String {
    let mut last = error.to_string();
    let mut text = format!("error: {last}");
    let mut next = error.source();
    while let Some(cause) = next {
        let message = cause.to_string();
        // Libraries often repeat their cause in their own message.
        if !last.contains(&message) {
            text = format!("{text}: {message}");
            last = message;
        }
        next = cause.source();
    }
    match hints.iter().find_map(|hint| hint(error)) {
        Some(hint) => format!("{text}\nhint: {hint}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::{Hinted, hint};

    #[derive(Debug)]
    struct Because(&'static str, Box<dyn Error>);

    impl std::fmt::Display for Because {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Because {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&*self.1)
        }
    }

    #[test]
    fn causes_come_on_one_line_and_hints_after_them() {
        let hinted = Because("cannot build", Hinted::new("no such thing", "make one").into());
        assert_eq!(explain(&hinted, &[hint]), "error: cannot build: no such thing\nhint: make one");
        let plain = Because("cannot build", io::Error::other("no such thing").into());
        assert_eq!(explain(&plain, &[hint]), "error: cannot build: no such thing");
    }

    #[test]
    fn a_cause_is_not_repeated() {
        let cause = Because("cannot write x: disk full", io::Error::other("disk full").into());
        let error = Because("cannot build", cause.into());
        assert_eq!(explain(&error, &[]), "error: cannot build: cannot write x: disk full");
    }
}
