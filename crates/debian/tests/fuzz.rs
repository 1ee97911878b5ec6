//! Every parser of foreign bytes on its seeds and on what grows from them, for some seconds each: what CI runs, since it needs
//! neither a nightly compiler nor libFuzzer. `.ci/fuzz` runs the same functions under that.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;
use qus_debian::testing::fuzz::{TARGETS, Target};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The bytes that all targets together may have at once: what asks for more is stopped, and with it the test.
const MEMORY: u64 = 3 << 30;
/// The time that one input may take, on a busy machine and without optimisation.
const PATIENCE: Duration = Duration::from_secs(20);
/// The largest input, in bytes.
const SIZE: usize = 64 << 10;

/// Ten seconds for each target in CI, and two elsewhere.
fn budget() -> Duration {
    Duration::from_secs(if env::var_os("CI").is_some() { 10 } else { 2 })
}

/// Bytes that lengths and numbers are made of.
const ODD: [&[u8]; 10] =
    [b"\0", b"\xff", b"\x7f", b"\x80\0\0\0", b"\xff\xff\xff\xff", b"9999999999", b"-1", b"\n", b"..", b"%2e"];

/// One change: a flipped bit, an odd value, a piece removed, doubled, or taken from another input.
fn mutate(rng: &mut Rng, bytes: &mut Vec<u8>, other: &[u8]) {
    let place = rng.usize(..=bytes.len());
    let end = (place + rng.usize(..=16.min(bytes.len() - place))).min(bytes.len());
    match rng.u8(..6) {
        0 if place < bytes.len() => bytes[place] ^= 1 << rng.u8(..8),
        1 => {
            let odd = rng.choice(ODD).unwrap();
            bytes.splice(place..(place + odd.len()).min(bytes.len()), odd.iter().copied()).for_each(drop);
        }
        2 => bytes.splice(place..place, rng.choice(ODD).unwrap().iter().copied()).for_each(drop),
        3 => bytes.drain(place..end).for_each(drop),
        4 => {
            let piece = bytes[place..end].repeat(rng.usize(1..64));
            bytes.splice(place..place, piece).for_each(drop);
        }
        _ => {
            let from = rng.usize(..=other.len());
            bytes.truncate(place);
            bytes.extend_from_slice(&other[from..]);
        }
    }
    bytes.truncate(SIZE);
}

fn run(target: &Target, bytes: &[u8]) {
    let started = Instant::now();
    let result = catch_unwind(|| (target.run)(bytes));
    let took = started.elapsed();
    if result.is_err() || took > PATIENCE {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(target.name);
        fs::write(&path, bytes).unwrap();
        panic!("{} took {took:?} for the input {}", target.name, path.display());
    }
}

/// Runs the target called `name`, and returns on how many inputs; equal rounds have equal inputs.
fn fuzz(name: &str) -> u64 {
    let Rlimit { maximum, .. } = getrlimit(Resource::As);
    setrlimit(Resource::As, Rlimit { current: Some(MEMORY), maximum }).unwrap();
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = (target.seeds)();
    let started = Instant::now();
    let mut rng = Rng::with_seed(1);
    let mut rounds = 0_u64;
    while started.elapsed() < budget() {
        let mut bytes = rng.choice(&seeds).unwrap().clone();
        let other = rng.choice(&seeds).unwrap();
        for _ in 0..rng.u8(1..8) {
            mutate(&mut rng, &mut bytes, other);
        }
        run(target, &bytes);
        rounds += 1;
    }
    assert!(rounds > 0);
    rounds
}

macro_rules! targets {
    ($($name:ident)+) => {
        $(#[test]
        fn $name() {
            println!("{}: {} inputs", stringify!($name), fuzz(stringify!($name)));
        })+

        #[test]
        fn every_target_runs() {
            assert_eq!(TARGETS.map(|target| target.name), [$(stringify!($name)),+]);
        }
    };
}

targets! {
    debian_apt_sources
    debian_deb
    debian_elf
    debian_inrelease
    debian_keyring
    debian_lock
    debian_packages
    debian_tar
}

/// Where `QUS_FUZZ_CORPUS` names a folder, `.ci/fuzz` finds them there.
#[test]
fn seeds_are_inputs() {
    let corpus = env::var_os("QUS_FUZZ_CORPUS");
    for target in TARGETS {
        let seeds = (target.seeds)();
        seeds.iter().for_each(|seed| run(&target, seed));
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

/// libFuzzer's targets are these.
#[test]
fn every_target_is_one_of_libfuzzers() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for target in TARGETS {
        let name = target.name;
        assert!(
            manifest.contains(&format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\n")),
            "{name}"
        );
        assert!(fuzz.join(format!("fuzz_targets/{name}.rs")).is_file(), "{name}");
    }
}
