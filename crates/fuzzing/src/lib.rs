//! Parsers of foreign bytes, on their seeds and on what grows from them: what CI runs, since it needs neither a nightly
//! compiler nor libFuzzer. `.ci/fuzz` runs the same functions under that.
//!
//! A crate lists its [`Target`]s behind a feature, and its test `fuzz` is [`targets!`] with their names: a program of its own,
//! for memory is limited for a whole process. Failures panic: this is for tests alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod mutate;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The bytes that all targets of a crate together may have at once: what asks for more is stopped, and with it the test.
const MEMORY: u64 = 3 << 30;
/// The time that one input may take, on a busy machine and without optimisation.
const PATIENCE: Duration = Duration::from_secs(20);

/// The number of inputs that one target is given at most. They are the same everywhere, so up to there a change is judged by what
/// it changes, and not by how fast the machine is; beyond it goes libFuzzer.
const ROUNDS: u64 = 20_000;

/// A parser, which panics where it takes something that must not be taken.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name among the targets of `fuzz/`.
    pub name: &'static str,
    /// Gives it some bytes.
    pub run: fn(&[u8]),
    /// Inputs that reach far into it.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Ten seconds for each target in CI, and two elsewhere.
fn budget() -> Duration {
    Duration::from_secs(if env::var_os("CI").is_some() { 10 } else { 2 })
}

/// Runs a target once; an input that is a fault is kept in `folder`.
fn run(target: &Target, bytes: &[u8], folder: &Path) {
    let started = Instant::now();
    let result = catch_unwind(|| (target.run)(bytes));
    let took = started.elapsed();
    if result.is_err() || took > PATIENCE {
        let path = folder.join(target.name);
        fs::write(&path, bytes).unwrap();
        panic!("{} took {took:?} for the input {}", target.name, path.display());
    }
}

/// Runs the target called `name` until its time is over or it had [`ROUNDS`] inputs, and returns how many it had; equal rounds
/// have equal inputs.
pub fn fuzz(targets: &[Target], name: &str, folder: &Path) -> u64 {
    let Rlimit { maximum, .. } = getrlimit(Resource::As);
    setrlimit(Resource::As, Rlimit { current: Some(MEMORY), maximum }).unwrap();
    let target = targets.iter().find(|target| target.name == name).unwrap();
    let seeds = (target.seeds)();
    let started = Instant::now();
    let mut rng = Rng::with_seed(1);
    let mut rounds = 0_u64;
    while rounds < ROUNDS && started.elapsed() < budget() {
        run(target, &mutate::grown(&mut rng, &seeds), folder);
        rounds += 1;
    }
    assert!(rounds > 0);
    rounds
}

/// Runs every target on its seeds. Where `QUS_FUZZ_CORPUS` names a folder, `.ci/fuzz` finds them there.
pub fn seeds(targets: &[Target], folder: &Path) {
    let corpus = env::var_os("QUS_FUZZ_CORPUS");
    for target in targets {
        let seeds = (target.seeds)();
        seeds.iter().for_each(|seed| run(target, seed, folder));
        assert_eq!(seeds.iter().collect::<BTreeSet<_>>().len(), seeds.len(), "{}", target.name);
        if let Some(corpus) = &corpus {
            let folder = Path::new(corpus).join(target.name);
            fs::create_dir_all(&folder).unwrap();
            for (number, seed) in seeds.iter().enumerate() {
                fs::write(folder.join(format!("seed-{number}")), seed).unwrap();
            }
        }
    }
}

/// Checks that each target is one of libFuzzer's.
pub fn registered(targets: &[Target]) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for target in targets {
        let name = target.name;
        assert!(
            manifest.contains(&format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\n")),
            "{name}"
        );
        assert!(fuzz.join(format!("fuzz_targets/{name}.rs")).is_file(), "{name}");
    }
}

/// The tests of a crate's targets, given the list and their names: one for each, so that they run side by side, and three
/// for all.
#[macro_export]
macro_rules! targets {
    ($targets:path: $($name:ident)+) => {
        /// The place for inputs that are faults.
        const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

        $(#[test]
        fn $name() {
            let rounds = $crate::fuzz(&$targets, stringify!($name), FOLDER.as_ref());
            println!("{}: {rounds} inputs", stringify!($name));
        })+

        #[test]
        fn every_target_runs() {
            assert_eq!($targets.map(|target| target.name), [$(stringify!($name)),+]);
        }

        #[test]
        fn seeds_are_inputs() {
            $crate::seeds(&$targets, FOLDER.as_ref());
        }

        #[test]
        fn every_target_is_one_of_libfuzzers() {
            $crate::registered(&$targets);
        }
    };
}
