//! Any arguments at all are followed or refused, and what is followed is definite.

#![no_main]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use libfuzzer_sys::fuzz_target;
use qus_register::args::{Invocation, parse};
use qus_register::environment::Environment;
use qus_register::request::Request;

fuzz_target!(|data: &[u8]| {
    // Arguments are separated by what cannot be in them.
    let arguments: Vec<OsString> = data.split(|byte| *byte == 0).map(|bytes| OsString::from_vec(bytes.to_vec())).collect();
    let parsed = parse(arguments.clone());
    assert_eq!(parsed, parse(arguments));
    if let Ok(Invocation::Register(args)) = parsed {
        assert!(args.targets.iter().all(|name| !name.is_empty() && !name.contains([',', ' '])));
        if let Ok(request) = Request::new(*args, &Environment::default()) {
            for target in request.selection.targets() {
                assert!(request.interpreter(target).starts_with(&request.dir));
            }
        }
    }
});
