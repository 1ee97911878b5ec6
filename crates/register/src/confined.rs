//! Starting an interpreter that need not be trusted: any tool may have registered it, and `-l` runs it as root.

use std::io;
use std::process::{Child, Command};

use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs};

/// Starts a command without any capability and without a way to gain one. Its user stays: files that only root may read stay
/// readable, as they are when programs are run by root.
///
/// # Errors
/// As [`Command::spawn`], or if the kernel refuses.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Child> {
    // Rights are a thread's (capabilities(7)), and a child has those of the thread that starts it; so this one can keep its own.
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, || {
            give_up_rights()?;
            command.spawn()
        })?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn give_up_rights() -> io::Result<()> {
    let none = CapabilitySet::empty();
    // Without it, execve(2) gives root all capabilities back.
    set_no_new_privs(true)?;
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_child_has_no_rights_and_this_process_keeps_its_own() {
        let own = std::fs::read_to_string("/proc/self/status").unwrap();
        let mut command = Command::new("cat");
        let child = spawn(command.arg("/proc/self/status").stdout(Stdio::piped())).unwrap();
        let status = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        for line in ["CapInh:\t0000000000000000", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000"] {
            assert!(status.contains(line), "{status}");
        }
        assert!(
            status.contains("CapAmb:\t0000000000000000") && status.contains("NoNewPrivs:\t1"),
            "{status}"
        );
        let capabilities = |status: &str| -> Vec<String> {
            status.lines().filter(|line| line.starts_with("Cap")).map(str::to_owned).collect()
        };
        let after = std::fs::read_to_string("/proc/self/status").unwrap();
        assert_eq!(capabilities(&after), capabilities(&own));
    }
}
