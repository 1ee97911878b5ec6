//! The program `register`, also under the names `register.sh` and `binfmt`.

use std::io::{self, LineWriter, Write};
use std::process::ExitCode;

use qus_register::environment::Environment;
use qus_register::output::Output;
use qus_register::{args, interrupt, run};

fn main() -> ExitCode {
    let mut data = LineWriter::new(io::stdout().lock());
    let mut messages = io::stderr().lock();
    let mut output = Output::new(&mut data as &mut dyn Write, &mut messages);
    interrupt::end(run::run(
        args::parse(std::env::args_os().collect()),
        Environment::read(std::env::var_os),
        &mut output,
    ))
}
