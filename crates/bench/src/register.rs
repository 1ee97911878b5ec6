//! Registering every target: `register -p` and a shell that writes the same lines, in a binfmt_misc of their own.

use std::path::Path;

use anyhow::{Context as _, bail};
use arch::Target;
use testbed::sandbox::Options;
use testbed::{Packages, Sandbox};

use crate::child;
use crate::figure::{Figure, Goal, Unit, least};

/// One registration takes milliseconds; so many are timed together.
const TIMES: u32 = 20;

/// The figures, in seconds for one registration of all targets.
pub(crate) struct Measured {
    /// `register -p`, which writes and reads back.
    pub(crate) ours: Vec<f64>,
    /// The same with its trial run of every target.
    pub(crate) checked: Vec<f64>,
    pub(crate) shell: Vec<f64>,
    /// The number of entries that each makes.
    pub(crate) entries: usize,
}

/// Measures `runs` times in turn. `qemu` is a folder with the binaries, `register` the program.
pub(crate) fn run(
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

/// Both ways of registering next to the shell, which does what `--no-check` does and no more.
pub(crate) fn figures(title: &str, measured: &Measured) -> Vec<Figure> {
    let Measured { ours, checked, shell, entries } = measured;
    let time = |what: &str, values: &[f64]| {
        let how = format!("least of {} x {TIMES}, {entries} entries", values.len());
        Figure::new(title, what, Unit::Seconds, least(values), how).of(values.len())
    };
    let speed = |what: &str, values: &[f64], differs: &str| {
        let (other, value) = (least(shell), least(values));
        let how = format!("{:.2} ms / {:.2} ms; {differs}", other * 1000.0, value * 1000.0);
        let what = format!("{what}, against the shell");
        Figure::new(title, &what, Unit::Times, other / value, how).of(values.len()).goal(Goal::AtLeast(20.0))
    };
    vec![
        time("`register -p`", checked),
        time("`register -p --no-check`", ours),
        time("a shell that writes the same", shell),
        speed(
            "`register -p`",
            checked,
            "it also runs a program of each target through the kernel, which the shell does not",
        ),
        speed("`register -p --no-check`", ours, "it runs no program, as the shell does not"),
    ]
}

fn repeat(sandbox: &Sandbox, argv: &[&str]) -> anyhow::Result<f64> {
    let mut command = sandbox.command("sh");
    command.arg("/root/repeat.sh").arg(TIMES.to_string()).args(argv);
    Ok(child::run(&mut command, "sh repeat.sh")?.wall)
}

/// The kernel's entries after `argv`, by name; gone afterwards.
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
    fn both_ways_have_a_ratio_and_the_target() {
        let measured =
            Measured { ours: vec![0.002, 0.001], checked: vec![0.1], shell: vec![0.025, 0.03], entries: 31 };
        let figures = figures("register", &measured);
        let ratios: Vec<_> = figures.iter().filter(|figure| figure.unit == Unit::Times).collect();
        assert_eq!(
            ratios.iter().map(|figure| (figure.value, figure.verdict())).collect::<Vec<_>>(),
            [(0.25, "not met"), (25.0, "met")]
        );
        assert_eq!(ratios[1].how, "25.00 ms / 1.00 ms; it runs no program, as the shell does not");
    }

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
