//! Registering every target: `register -p` and a shell that writes the same lines, in a binfmt_misc of their own.

use std::path::Path;

use anyhow::{Context as _, bail};
use arch::Target;
use testbed::sandbox::Options;
use testbed::{Packages, Sandbox};

use super::child;

/// One registration takes milliseconds; so many are timed together.
const TIMES: u32 = 20;

/// What was measured, in seconds for one registration of all targets.
pub(super) struct Measured {
    /// `register -p`, which writes and reads back.
    pub(super) ours: Vec<f64>,
    /// The same with its trial run of every target.
    pub(super) checked: Vec<f64>,
    pub(super) shell: Vec<f64>,
    /// How many entries each makes.
    pub(super) entries: usize,
}

/// Measures `runs` times in turn. `qemu` is a folder with the binaries, `register` the program.
pub(super) fn run(
    packages: &Packages,
    qemu: &Path,
    register: &Path,
    runs: usize,
) -> anyhow::Result<Measured> {
    let folder = register.parent().context("a program has a folder")?.to_owned();
    let options = Options { binds: vec![qemu.to_owned(), folder], ..Options::default() };
    let sandbox = Sandbox::start(packages, &options)?;
    let dir = qemu.to_str().context("a path of this machine is not UTF-8")?;
    let program = register.to_str().context("a path of this machine is not UTF-8")?;
    let ours = [program, "--", "-p", "--no-check", "-Q", dir];
    let checked = [program, "--", "-p", "-Q", dir];

    let lines = sandbox.run(&[&ours[..], &["-n"]].concat())?;
    sandbox.write("/root/table.sh", table(&lines, dir)?)?;
    sandbox.write("/root/register.sh", include_str!("register.sh"))?;
    sandbox.write("/root/repeat.sh", include_str!("repeat.sh"))?;
    let shell = ["sh", "/root/register.sh", "/root/table.sh"];

    let entries = entries(&sandbox, &ours)?;
    if self::entries(&sandbox, &shell)? != entries {
        bail!("`register` and the shell do not make the same entries");
    }
    let mut measured =
        Measured { ours: Vec::new(), checked: Vec::new(), shell: Vec::new(), entries: entries.len() };
    for _ in 0..runs {
        // What it takes to get in and to go round.
        let empty = repeat(&sandbox, &["true"])?;
        let of = |argv: &[&str]| Ok::<_, anyhow::Error>((repeat(&sandbox, argv)? - empty) / f64::from(TIMES));
        measured.ours.push(of(&ours)?);
        measured.shell.push(of(&shell)?);
        measured.checked.push(of(&checked)?);
    }
    Ok(measured)
}

fn repeat(sandbox: &Sandbox, argv: &[&str]) -> anyhow::Result<f64> {
    let mut command = sandbox.command("sh");
    command.arg("/root/repeat.sh").arg(TIMES.to_string()).args(argv);
    Ok(child::run(&mut command, "sh repeat.sh")?.wall)
}

/// What the kernel has after `argv`, by name; gone afterwards.
fn entries(sandbox: &Sandbox, argv: &[&str]) -> anyhow::Result<Vec<String>> {
    sandbox.run(argv)?;
    let script = "cd /proc/sys/fs/binfmt_misc; for e in qemu-*; do echo $e $(cat $e); done; echo -1 > status";
    Ok(sandbox.run(&["sh", "-euc", script])?.lines().map(str::to_owned).collect())
}

/// The shell's table, out of the lines that `register -n` prints.
fn table(lines: &str, dir: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    let (mut targets, mut last_flags) = (Vec::new(), "");
    for line in lines.lines().filter_map(|line| line.strip_prefix("Would register ")) {
        let fields: Vec<&str> = line.split(':').collect();
        let &[_, name, _, _, magic, mask, _, flags] = fields.as_slice() else {
            bail!("`register -n` printed a line of another form: {line}");
        };
        let target: Target = name.trim_start_matches("qemu-").parse()?;
        text.push_str(&format!("{target}_magic='{magic}' {target}_mask='{mask}' "));
        text.push_str(&format!("{target}_family={}\n", target.family()));
        targets.push(target.name());
        last_flags = flags;
    }
    if targets.is_empty() {
        bail!("`register -n` printed no line:\n{lines}");
    }
    text.push_str(&format!("targets='{}' flags={last_flags} dir='{dir}'\n", targets.join(" ")));
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_what_register_would_write() {
        let lines = "Nothing was changed.\nWould register :qemu-arm:M::\\x7fELF:\\xff\\xfe:/q/qemu-arm:PF\nWould register :qemu-s390x:M::\\x7f:\\xff:/q/qemu-s390x:PF\n";
        assert_eq!(
            table(lines, "/q").unwrap(),
            "arm_magic='\\x7fELF' arm_mask='\\xff\\xfe' arm_family=arm\n\
             s390x_magic='\\x7f' s390x_mask='\\xff' s390x_family=s390x\n\
             targets='arm s390x' flags=PF dir='/q'\n"
        );
        assert_eq!(
            table("nothing", "/q").unwrap_err().to_string(),
            "`register -n` printed no line:\nnothing"
        );
    }
}
