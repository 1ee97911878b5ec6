//! The things that the tests of one program share.

use std::sync::{Arc, Mutex, Weak};

/// A value, a sandbox say, that tests which run at the same time share: the first one makes it, and it is dropped with
/// the last that has it. By itself, what a `static` has is never dropped.
#[derive(Debug)]
pub struct Shared<T>(Mutex<Weak<T>>);

impl<T> Shared<T> {
    /// Nobody has it yet.
    pub const fn new() -> Shared<T> {
        Shared(Mutex::new(Weak::new()))
    }

    /// The value, from `make` if nobody has one; `None` if that has none either.
    pub fn get(&self, make: impl FnOnce() -> Option<T>) -> Option<Arc<T>> {
        // Where `make` has panicked, the next test tries.
        let mut shared = base::lock(&self.0);
        if let Some(value) = shared.upgrade() {
            return Some(value);
        }
        let value = Arc::new(make()?);
        *shared = Arc::downgrade(&value);
        Some(value)
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Shared<T> {
        Shared::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_makes_it_and_the_last_drops_it() {
        let shared = Shared::new();
        assert_eq!(shared.get(|| None::<u32>), None);
        let first = shared.get(|| Some(1)).unwrap();
        let second = shared.get(|| Some(2)).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        drop(first);
        assert_eq!(shared.get(|| Some(3)).as_deref(), Some(&1));
        drop(second);
        assert_eq!(shared.get(|| Some(4)).as_deref(), Some(&4));
    }
}
