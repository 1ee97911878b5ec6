//! The program `run`, also under the names `qus-run` and `buildkit-qemu-TARGET`.

use std::process::ExitCode;

use qus_run::environment::Environment;
use qus_run::{args, run};

fn main() -> ExitCode {
    let invocation = args::parse(std::env::args_os().collect());
    ExitCode::from(run::run(invocation, &Environment::new(std::env::vars_os())))
}
