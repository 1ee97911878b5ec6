//! Replacing an entry so that its programs always have an interpreter.
//!
//! The kernel has no such operation: a name that is taken is refused. But several entries may take the same programs,
//! and the newest wins. So the new entry is first registered under a name of its own, which proves that the kernel
//! accepts it and puts it into effect; only then the old one goes and the name becomes free.

use crate::entry::Entry;
use crate::error::{Error, Result};

/// What is appended to an entry's name while it is being replaced.
pub(crate) const TEMPORARY: &str = ".qus-new";

/// The two operations that a replacement is made of.
pub(crate) trait Table {
    fn register(&self, entry: &Entry) -> Result<()>;
    fn remove(&self, name: &str) -> Result<()>;
}

/// Puts `new` in the place of `old`, which has the same name.
///
/// After an error before the old entry was removed, nothing has changed. After a later one, the old entry is put back;
/// if that fails too, the new one stays, under its temporary name.
pub(crate) fn replace(table: &dyn Table, old: &Entry, new: &Entry) -> Result<()> {
    let name = new.name();
    let temporary = new.renamed(&format!("{name}{TEMPORARY}"));
    match table.register(&temporary) {
        // Left by a replacement that was killed.
        Err(Error::Exists { .. }) => {
            table.remove(temporary.name())?;
            table.register(&temporary).map_err(|error| under_its_own_name(error, name))?;
        }
        other => other.map_err(|error| under_its_own_name(error, name))?,
    }
    let failed = |source: Error, outcome: String| Error::NotReplaced {
        name: name.to_owned(),
        source: Box::new(source),
        outcome,
    };
    if let Err(source) = table.remove(name) {
        let outcome = match table.remove(temporary.name()) {
            Ok(()) => "the old entry is still in effect".to_owned(),
            Err(_) => format!("the new entry is in effect as {}", temporary.name()),
        };
        return Err(failed(source, outcome));
    }
    if let Err(source) = table.register(new) {
        let outcome = match table.register(&old.as_enabled()) {
            Ok(()) => match table.remove(temporary.name()) {
                Ok(()) => "the old entry was put back".to_owned(),
                Err(_) => format!("the old entry was put back, and {} is still there", temporary.name()),
            },
            Err(_) => format!("the new entry is in effect as {}", temporary.name()),
        };
        return Err(failed(source, outcome));
    }
    table.remove(temporary.name())
}

/// A failure with the temporary entry is the new entry's, and told as such.
fn under_its_own_name(error: Error, real: &str) -> Error {
    match error {
        Error::Interpreter { interpreter, source, .. } => {
            Error::Interpreter { name: real.to_owned(), interpreter, source }
        }
        Error::Invalid { source, .. } => Error::Invalid { name: real.to_owned(), source },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::path::Path;

    use super::*;
    use crate::Flags;

    /// A table in memory, whose `failing` calls (by number) fail.
    struct Fake {
        entries: RefCell<Vec<Entry>>,
        calls: Cell<usize>,
        failing: Vec<usize>,
    }

    impl Fake {
        fn call(&self, name: &str) -> Result<()> {
            let call = self.calls.replace(self.calls.get() + 1);
            match self.failing.contains(&call) {
                true => Err(Error::Refused { name: name.to_owned(), line: format!("call {call}") }),
                false => Ok(()),
            }
        }
    }

    impl Table for Fake {
        fn register(&self, entry: &Entry) -> Result<()> {
            self.call(entry.name())?;
            if self.entries.borrow().iter().any(|other| other.name() == entry.name()) {
                return Err(Error::Exists { name: entry.name().to_owned() });
            }
            self.entries.borrow_mut().push(entry.clone());
            Ok(())
        }

        fn remove(&self, name: &str) -> Result<()> {
            self.call(name)?;
            self.entries.borrow_mut().retain(|entry| entry.name() != name);
            Ok(())
        }
    }

    fn entry(name: &str, interpreter: &str) -> Entry {
        Entry::new(name, (b"\x7f", b"\xff"), Path::new(interpreter), Flags::NONE).unwrap()
    }

    fn check(
        before: &[(&str, &str)],
        failing: &[usize],
        expected: std::result::Result<(), &str>,
        after: &[(&str, &str)],
    ) {
        let entries = before.iter().map(|(name, interpreter)| entry(name, interpreter)).collect();
        let table = Fake { entries: RefCell::new(entries), calls: Cell::new(0), failing: failing.to_vec() };
        let actual =
            replace(&table, &entry("e", "/old"), &entry("e", "/new")).map_err(|error| error.to_string());
        assert_eq!(actual, expected.map_err(str::to_owned), "{failing:?}");
        let after: Vec<_> = after.iter().map(|(name, interpreter)| entry(name, interpreter)).collect();
        assert_eq!(*table.entries.borrow(), after, "{failing:?}");
    }

    #[test]
    fn whatever_fails_an_entry_stays_in_effect_and_the_message_says_which() {
        let old = [("e", "/old")];
        check(&old, &[], Ok(()), &[("e", "/new")]);
        // Left over by a replacement that was killed half-way.
        check(&[("e", "/old"), ("e.qus-new", "/older")], &[], Ok(()), &[("e", "/new")]);
        check(&old, &[0], Err("cannot register e.qus-new: the kernel refuses the line `call 0`"), &old);
        check(
            &old,
            &[1],
            Err(
                "cannot replace e: cannot register e: the kernel refuses the line `call 1`; the old entry is still in effect",
            ),
            &old,
        );
        check(
            &old,
            &[1, 2],
            Err(
                "cannot replace e: cannot register e: the kernel refuses the line `call 1`; the new entry is in effect as e.qus-new",
            ),
            &[("e", "/old"), ("e.qus-new", "/new")],
        );
        check(
            &old,
            &[2],
            Err(
                "cannot replace e: cannot register e: the kernel refuses the line `call 2`; the old entry was put back",
            ),
            &old,
        );
        check(
            &old,
            &[2, 3],
            Err(
                "cannot replace e: cannot register e: the kernel refuses the line `call 2`; the new entry is in effect as e.qus-new",
            ),
            &[("e.qus-new", "/new")],
        );
        check(
            &old,
            &[2, 4],
            Err(
                "cannot replace e: cannot register e: the kernel refuses the line `call 2`; the old entry was put back, and e.qus-new is still there",
            ),
            &[("e.qus-new", "/new"), ("e", "/old")],
        );
    }

    #[test]
    fn a_failure_is_told_of_the_entry_that_was_asked_for() {
        let interpreter = |name: &str| Error::Interpreter {
            name: name.to_owned(),
            interpreter: "/new".into(),
            source: std::io::ErrorKind::NotFound.into(),
        };
        let told = under_its_own_name(interpreter("e.qus-new"), "e");
        assert_eq!(told.to_string(), interpreter("e").to_string());
    }
}
