//! Replacements that fail, are refused or are killed: in memory, and in the running kernel's binfmt_misc.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::process::Command;

use super::*;
use crate::{BinfmtMisc, Flags};

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

    fn remove(&self, entry: &Entry) -> Result<()> {
        let name = entry.name();
        self.call(name)?;
        let mut entries = self.entries.borrow_mut();
        if entries.iter().any(|other| other.name() == name && other != entry) {
            return Err(Error::Changed { name: name.to_owned() });
        }
        entries.retain(|other| other != entry);
        Ok(())
    }

    fn remove_leftover(&self, name: &str) -> Result<()> {
        self.call(name)?;
        self.entries.borrow_mut().retain(|entry| entry.name() != format!("{name}{TEMPORARY}"));
        Ok(())
    }
}

fn entry(name: &str, interpreter: &str) -> Entry {
    // Bytes that no program begins with: some of these entries are the running kernel's.
    Entry::new(name, (b"\x7fQUS", b"\xff\xff\xff\xff"), Path::new(interpreter), Flags::NONE).unwrap()
}

/// Replaces `/old` by `/new`; `failing` are the numbers of the calls that fail.
fn check(
    before: &[(&str, &str)],
    failing: &[usize],
    accepted: bool,
    expected: std::result::Result<bool, &str>,
    after: &[(&str, &str)],
) {
    let entries = before.iter().map(|(name, interpreter)| entry(name, interpreter)).collect();
    let table = Fake { entries: RefCell::new(entries), calls: Cell::new(0), failing: failing.to_vec() };
    let mut in_effect = None;
    let actual = replace(&table, &entry("e", "/old"), &entry("e", "/new"), &mut || {
        in_effect = table.entries.borrow().last().cloned();
        accepted
    });
    let actual = actual.map_err(|error| error.to_string());
    if let Some(tried) = in_effect {
        assert_eq!(tried, entry("e.qus-new", "/new"), "the newest is the one that is tried");
    }
    assert_eq!(actual, expected.map_err(str::to_owned), "{failing:?}");
    let after: Vec<_> = after.iter().map(|(name, interpreter)| entry(name, interpreter)).collect();
    assert_eq!(*table.entries.borrow(), after, "{failing:?}");
}

#[test]
fn whatever_fails_an_entry_stays_in_effect_and_the_message_says_which() {
    let old = [("e", "/old")];
    check(&old, &[], true, Ok(true), &[("e", "/new")]);
    // Left over by a replacement that was killed half-way.
    check(&[("e", "/old"), ("e.qus-new", "/older")], &[], true, Ok(true), &[("e", "/new")]);
    let first = "cannot register e.qus-new: the kernel refuses the line `call 0`";
    check(&old, &[0], true, Err(first), &old);
    let both = [("e", "/old"), ("e.qus-new", "/new")];
    for (failing, state, after) in [
        (&[1][..], "the old entry is still in effect", &old[..]),
        (&[1, 2], "the new entry is in effect as e.qus-new", &both),
        (&[2], "the old entry was put back", &old),
        (&[2, 3], "the new entry is in effect as e.qus-new", &both[1..]),
        (&[2, 4], "the old entry was put back, and e.qus-new is still there", &[both[1], both[0]]),
    ] {
        let refused = format!("cannot register e: the kernel refuses the line `call {}`", failing[0]);
        check(&old, failing, true, Err(&format!("cannot replace e: {refused}; {state}")), after);
    }
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

#[test]
fn what_is_not_accepted_is_taken_back() {
    let old = [("e", "/old")];
    check(&old, &[], false, Ok(false), &old);
    check(&[("e", "/old"), ("e.qus-new", "/older")], &[], false, Ok(false), &old);
    let stays = "cannot replace e: cannot register e.qus-new: the kernel refuses the line `call 1`; \
                 the new entry is in effect as e.qus-new";
    check(&old, &[1], false, Err(stays), &[("e", "/old"), ("e.qus-new", "/new")]);
}

#[test]
fn another_entry_that_took_the_name_stays() {
    let taken = "cannot replace e: cannot remove e: another entry has taken its name, and stays; \
                 the new entry was taken back";
    check(&[("e", "/anothers")], &[], true, Err(taken), &[("e", "/anothers")]);
}

/// The kernel's table, at whose call of this number the process dies.
struct Deadly<'a> {
    table: &'a BinfmtMisc,
    left: Cell<usize>,
}

impl Deadly<'_> {
    fn call(&self) {
        match self.left.get() {
            0 => std::process::abort(),
            left => self.left.set(left - 1),
        }
    }
}

impl Table for Deadly<'_> {
    fn register(&self, entry: &Entry) -> Result<()> {
        self.call();
        self.table.register(entry)
    }

    fn remove(&self, entry: &Entry) -> Result<()> {
        self.call();
        self.table.remove(entry).map(drop)
    }

    fn remove_leftover(&self, name: &str) -> Result<()> {
        self.call();
        self.table.remove_leftover(name).map(drop)
    }
}

/// The variable with the number of the call at which a child dies.
const DIES_AT: &str = "QUS_TEST_DIES_AT";

#[test]
fn a_killed_replacement_leaves_the_old_entry_or_the_new_one() {
    let name = private::test_name!();
    let Some(dir) = private::enter(name) else { return };
    let misc = BinfmtMisc::open(Some(dir)).unwrap();
    let (old, new) = (entry("e", "/old"), entry("e", "/new"));
    if let Ok(call) = std::env::var(DIES_AT) {
        let table = Deadly { table: &misc, left: Cell::new(call.parse().unwrap()) };
        replace(&table, &old, &new, &mut || true).unwrap();
        return;
    }
    let both = [("e", "/old"), ("e.qus-new", "/new")];
    for (call, ends, left) in [
        (0, false, &[("e", "/old")][..]),
        // The new one is being tried, or was.
        (1, false, &both),
        (2, false, &[("e.qus-new", "/new")]),
        (3, false, &[("e", "/new"), ("e.qus-new", "/new")]),
        (4, true, &[("e", "/new")]),
    ] {
        misc.register(&old).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap());
        let child = child.args(["--exact", name, "--test-threads=1"]).env(DIES_AT, call.to_string());
        assert_eq!(child.output().unwrap().status.success(), ends, "{call}");
        let mut listed: Vec<_> =
            misc.list().unwrap().into_iter().map(|listed| listed.entry.unwrap()).collect();
        listed.sort_by(|a, b| a.name().cmp(b.name()));
        let left: Vec<_> = left.iter().map(|(name, interpreter)| entry(name, interpreter)).collect();
        assert_eq!(listed, left, "{call}");
        for entry in listed {
            assert!(misc.remove(&entry).unwrap());
        }
    }
}

#[path = "../tests/private/mod.rs"]
mod private;
