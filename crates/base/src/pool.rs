//! Threads that share work, and what they share it through.

use std::num::NonZero;
use std::panic;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// The number of things to do at a time: what was asked for, or else the number of cores.
pub fn jobs(asked: Option<NonZero<usize>>) -> NonZero<usize> {
    asked.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN)
}

/// Does `work` for each of `items` in their order, on up to `jobs` threads; the results have the order of the items.
///
/// After an error nothing else is begun, and what was begun is finished; the first error is returned. A panic goes on in
/// the caller when all threads have ended.
pub fn pool<I, T, E>(
    jobs: usize,
    items: impl IntoIterator<Item = I>,
    work: impl Fn(I) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E>
where
    I: Send,
    T: Send,
    E: Send,
{
    let items: Vec<I> = items.into_iter().collect();
    let threads = jobs.clamp(1, items.len().max(1));
    let queue = Mutex::new(items.into_iter().enumerate());
    let next = || lock(&queue).next();
    let done: Mutex<Result<Vec<(usize, T)>, E>> = Mutex::new(Ok(Vec::new()));
    let worker = || {
        while let Some((number, item)) = next() {
            let result = work(item);
            let mut done = lock(&done);
            match result {
                Ok(result) => {
                    if let Ok(results) = &mut *done {
                        results.push((number, result));
                    }
                }
                Err(error) => {
                    lock(&queue).by_ref().for_each(drop);
                    if done.is_ok() {
                        *done = Err(error);
                    }
                }
            }
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        for thread in threads {
            if let Err(panic) = thread.join() {
                panic::resume_unwind(panic);
            }
        }
    });
    let mut results = unlock(done)?;
    results.sort_by_key(|(number, _)| *number);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// Locks, after a panic too: the panic is reported where its thread is joined, and what it held is good for the others.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits as [`lock`] locks.
pub fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// The value of a mutex that nobody uses any more.
pub fn unlock<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_have_the_order_of_the_items() {
        for jobs in [0, 1, 3, 100] {
            let slow_first = |number: u64| {
                thread::sleep(Duration::from_millis(20 / (number + 1)));
                Ok::<_, Infallible>(number * 10)
            };
            let Ok(results) = pool(jobs, 0..5, slow_first);
            assert_eq!(results, [0, 10, 20, 30, 40], "{jobs}");
            let Ok(nothing) = pool(jobs, [], slow_first);
            assert_eq!(nothing, [0; 0]);
        }
    }

    #[test]
    fn no_more_are_at_work_than_there_are_jobs() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let Ok(_) = pool(2, 0..8, |_| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(5));
            now.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, Infallible>(())
        });
        assert_eq!(most.into_inner(), 2);
    }

    #[test]
    fn after_the_first_error_nothing_is_begun() {
        let begun = Mutex::new(Vec::new());
        let result = pool(1, 0..5, |number| {
            lock(&begun).push(number);
            if number == 2 { Err("two") } else { Ok(()) }
        });
        assert_eq!((result, unlock(begun)), (Err("two"), vec![0, 1, 2]));
        // What was begun is finished, and its own error does not take the first one's place.
        let finished = AtomicUsize::new(0);
        let result = pool(2, 0..50, |number: i32| {
            if number == 0 {
                return Err(0);
            }
            thread::sleep(Duration::from_millis(30));
            finished.fetch_add(1, Ordering::SeqCst);
            Err::<(), _>(number)
        });
        assert_eq!(result, Err(0));
        assert!(finished.into_inner() <= 1);
    }

    #[test]
    fn a_panic_goes_on_when_the_others_have_ended() {
        let finished = AtomicUsize::new(0);
        let caught = panic::catch_unwind(|| {
            pool(2, 0..4, |number| {
                assert!(number != 0, "on purpose");
                finished.fetch_add(1, Ordering::SeqCst);
                Ok::<_, Infallible>(())
            })
        });
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"on purpose"));
        assert_eq!(finished.into_inner(), 3);
    }
}
