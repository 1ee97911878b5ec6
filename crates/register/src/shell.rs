//! `-i`: a shell or a command in this program's place.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::error::Error;

/// Becomes the command; comes back only if that failed.
pub(crate) fn become_command(command: &[OsString]) -> Error {
    let Some((program, arguments)) = command.split_first() else {
        return Error::new("there is no command to run");
    };
    let error = Command::new(program).args(arguments).exec();
    Error::new(format_args!("cannot run {}: {error}", program.to_string_lossy()))
}
