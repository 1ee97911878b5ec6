//! The program's one asynchronous runtime.

use std::io;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

/// The runtime of the whole process. It starts when it is first asked for: most commands reach for nothing, and fails where no
/// thread can be started.
///
/// It is never dropped, so a task that is to end with something has to be aborted with it, as by a `JoinSet`.
pub fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    // Of two threads that ask at once, one's is taken.
    Ok(RUNTIME.get_or_init(|| runtime))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_gets_the_same() {
        let ask = || {
            std::thread::spawn(|| {
                runtime().unwrap().block_on(async { std::ptr::from_ref(runtime().unwrap()).addr() })
            })
        };
        let found = [ask(), ask(), ask()].map(|thread| thread.join().unwrap());
        assert_eq!(found, [found[0]; 3]);
    }
}
