//! Replacing an entry so that its programs always have an interpreter.
//!
//! The kernel has no such operation: a name that is taken is refused. But several entries may take the same programs,
//! and the newest wins. So the new entry is first registered under a name of its own, which proves that the kernel
//! accepts it and puts it into effect, so that it can be tried; only then the old one goes and the name becomes free.
//!
//! A process that is killed on the way leaves the old entry, the new one or both, and never neither.

use crate::entry::Entry;
use crate::error::{Error, Result};

/// The end of an entry's name while it is being replaced.
pub(crate) const TEMPORARY: &str = ".qus-new";

/// The operations that a replacement is made of.
pub(crate) trait Table {
    fn register(&self, entry: &Entry) -> Result<()>;
    /// Removes this entry, and no other that has its name.
    fn remove(&self, entry: &Entry) -> Result<()>;
    /// Removes what was left under the temporary name of the entry `name`.
    fn remove_leftover(&self, name: &str) -> Result<()>;
}

/// Puts `new` in the place of `old`, which has the same name, if `accept` agrees; `false` if it did not.
///
/// After an error before the old entry was removed, or if `accept` did not agree, nothing has changed. After a later error,
/// the old entry is put back; if that fails too, the new one stays, under its temporary name.
pub(crate) fn replace(
    table: &dyn Table,
    old: &Entry,
    new: &Entry,
    accept: &mut dyn FnMut() -> bool,
) -> Result<bool> {
    let name = new.name();
    let temporary = new.renamed(&format!("{name}{TEMPORARY}"));
    match table.register(&temporary) {
        // Left by a replacement that was killed.
        Err(Error::Exists { .. }) => {
            table.remove_leftover(name)?;
            table.register(&temporary).map_err(|error| under_its_own_name(error, name))?;
        }
        other => other.map_err(|error| under_its_own_name(error, name))?,
    }
    let failed = |source: Error, outcome: String| Error::NotReplaced {
        name: name.to_owned(),
        source: Box::new(source),
        outcome,
    };
    let new_stays = || format!("the new entry is in effect as {}", temporary.name());
    if !accept() {
        return match table.remove(&temporary) {
            Ok(()) => Ok(false),
            Err(source) => Err(failed(source, new_stays())),
        };
    }
    if let Err(source) = table.remove(old) {
        let outcome = match (table.remove(&temporary), &source) {
            (Ok(()), Error::Changed { .. }) => "the new entry was taken back".to_owned(),
            (Ok(()), _) => "the old entry is still in effect".to_owned(),
            (Err(_), _) => new_stays(),
        };
        return Err(failed(source, outcome));
    }
    if let Err(source) = table.register(new) {
        let outcome = match table.register(&old.as_enabled()) {
            Ok(()) => match table.remove(&temporary) {
                Ok(()) => "the old entry was put back".to_owned(),
                Err(_) => format!("the old entry was put back, and {} is still there", temporary.name()),
            },
            Err(_) => new_stays(),
        };
        return Err(failed(source, outcome));
    }
    table.remove(&temporary)?;
    Ok(true)
}

/// A failure with the temporary entry is the new entry's, and reported as such.
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
#[path = "replace_tests.rs"]
mod tests;
