//! The things that the threads of a build share: permits to use a core, and turns.

use std::sync::{Condvar, Mutex};

use ::base::{lock, unlock, wait};

/// As many permits as there are jobs: who computes holds one, whichever host it is for.
pub(crate) struct Permits {
    free: Mutex<usize>,
    freed: Condvar,
}

/// Given back when it is dropped.
pub(crate) struct Permit<'a>(&'a Permits);

impl Permits {
    pub(crate) fn new(count: usize) -> Permits {
        Permits { free: Mutex::new(count), freed: Condvar::new() }
    }

    /// Waits until one is free.
    pub(crate) fn acquire(&self) -> Permit<'_> {
        let mut free = lock(&self.free);
        while *free == 0 {
            free = wait(&self.freed, free);
        }
        *free -= 1;
        Permit(self)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *lock(&self.0.free) += 1;
        self.0.freed.notify_one();
    }
}

/// Lets threads that finish in any order act on a value in the order of their numbers.
pub(crate) struct Turns<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    value: T,
    next: usize,
    /// Somebody's turn will never come to an end: nobody waits for it.
    broken: bool,
}

impl<T> Turns<T> {
    pub(crate) fn new(value: T) -> Turns<T> {
        Turns { state: Mutex::new(State { value, next: 0, broken: false }), changed: Condvar::new() }
    }

    /// Waits until all numbers below `number` have had their turn, and calls `act`. `None`: one of them failed.
    pub(crate) fn take<E>(
        &self,
        number: usize,
        act: impl FnOnce(&mut T) -> Result<(), E>,
    ) -> Option<Result<(), E>> {
        let mut state = lock(&self.state);
        while state.next != number && !state.broken {
            state = wait(&self.changed, state);
        }
        if state.broken {
            return None;
        }
        let done = act(&mut state.value);
        state.next += 1;
        state.broken = done.is_err();
        drop(state);
        self.changed.notify_all();
        Some(done)
    }

    /// The guard that each thread holds while it may owe a turn: unless it is released, the others do not wait for that.
    pub(crate) fn watch(&self) -> Watch<'_, T> {
        Watch { turns: self, released: false }
    }

    /// The value, when all turns are over.
    pub(crate) fn into_inner(self) -> T {
        unlock(self.state).value
    }
}

/// See [`Turns::watch`].
pub(crate) struct Watch<'a, T> {
    turns: &'a Turns<T>,
    released: bool,
}

impl<T> Watch<'_, T> {
    /// The thread owes nothing any more.
    pub(crate) fn release(mut self) {
        self.released = true;
    }
}

impl<T> Drop for Watch<'_, T> {
    fn drop(&mut self) {
        if !self.released {
            lock(&self.turns.state).broken = true;
            self.turns.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn turns_come_in_the_order_of_numbers() {
        let turns = Turns::new(Vec::new());
        thread::scope(|scope| {
            for number in (0..20).rev() {
                let turns = &turns;
                scope.spawn(move || {
                    turns.take(number, |seen| {
                        seen.push(number);
                        Ok::<(), ()>(())
                    })
                });
            }
        });
        assert_eq!(turns.into_inner(), (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn nobody_waits_for_a_turn_that_failed() {
        let ok = |(): &mut ()| Ok::<(), &str>(());
        let turns = Turns::new(());
        thread::scope(|scope| {
            let later = scope.spawn(|| turns.take(2, ok));
            assert_eq!(turns.take(0, ok), Some(Ok(())));
            assert_eq!(turns.take(1, |()| Err("full")), Some(Err("full")));
            assert_eq!(later.join().unwrap(), None);
        });
        // An error, or a panic, before the turn itself.
        let turns = Turns::new(());
        thread::scope(|scope| {
            let later = scope.spawn(|| turns.take(1, ok));
            drop(turns.watch());
            assert_eq!(later.join().unwrap(), None);
        });
        let turns = Turns::new(());
        thread::scope(|scope| {
            turns.watch().release();
            let later = scope.spawn(|| turns.take(1, ok));
            let first = scope.spawn(|| {
                let _watch = turns.watch();
                panic!("on purpose");
            });
            assert!(first.join().is_err());
            assert_eq!(later.join().unwrap(), None);
        });
    }

    #[test]
    fn no_more_permits_are_out_than_there_are() {
        let permits = Permits::new(2);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let _permit = permits.acquire();
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(5));
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(most.into_inner(), 2);
    }
}
