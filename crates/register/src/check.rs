//! Runs a target's program through the kernel.

use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use arch::Target;
use rustix::fs::{OFlags, StatVfsMountFlags};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use trial::Account;

use crate::confined;
use crate::interrupt::{self, Hold};
use crate::program;
use crate::program_file::ProgramFile;

/// Longer than any QEMU takes to start on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The part of an interpreter's output that is kept for a message.
const WORDS: usize = 500;
/// The same where the program writes, too.
const WORDS_IN_FULL: usize = 8000;

/// The reason for what could not be tried any more, which nobody gets to read.
const INTERRUPTED: &str = "interrupted";

/// The outcome of running a target's program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It ran, and ended as it should.
    Runs,
    /// It did not run, and why.
    Fails(String),
    /// It could not be tried, which says nothing about the target.
    Untried(String),
}

/// A target's program, waiting for its input.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// Standard output and standard error of the interpreter.
    output: PipeReader,
    words: Vec<u8>,
    /// The number of words' bytes that are kept.
    room: usize,
    /// True if it is to have children, which are of no use after it.
    has_children: bool,
    /// An interpreter opens it when it is ready to, which may be long after it was started.
    _file: Option<ProgramFile>,
    /// The last to go.
    _hold: Hold,
}

/// Starts `target`'s program. The kernel finds out what runs it, as for any other program; that gets no capabilities.
///
/// # Errors
/// An [`Outcome`] that is not [`Outcome::Runs`].
pub fn start(target: Target) -> Result<Running, Outcome> {
    let program = small(target)?;
    launch(&program, &|program| Command::new(program)).map_err(|failure| failure.outcome(through_the_kernel))
}

fn small(target: Target) -> Result<Vec<u8>, Outcome> {
    program::elf(target).ok_or_else(|| Outcome::Untried("there is no program for it".to_owned()))
}

/// Starts the program of a full check of `target`, and lets it and its children end. `None` if there is none.
pub fn run_full(target: Target) -> Option<Outcome> {
    let program = trial::program(target.binary().name())?;
    Some(match launch(program, &|program| Command::new(program)) {
        Ok(mut running) => {
            (running.has_children, running.room) = (true, WORDS_IN_FULL);
            running.finish()
        }
        Err(failure) => failure.outcome(through_the_kernel),
    })
}

/// Starts `target`'s program and lets it end.
pub fn run(target: Target) -> Outcome {
    match start(target) {
        Ok(running) => running.finish(),
        Err(outcome) => outcome,
    }
}

/// Has `interpreter` run `target`'s program, with these options of its own and no entry in between.
pub fn run_with(interpreter: &Path, options: &[&str], target: Target) -> Outcome {
    let command = |program: &Path| {
        let mut command = Command::new(interpreter);
        command.args(options).arg(program);
        command
    };
    let program = match small(target) {
        Ok(program) => program,
        Err(outcome) => return outcome,
    };
    match launch(&program, &command) {
        Ok(running) => running.finish(),
        Err(failure) => failure.outcome(|error| format!("it cannot be started: {error}")),
    }
}

/// The first bytes of what `interpreter` prints when it is started with `options`; nothing if it cannot be.
pub fn printed(interpreter: &Path, options: &[&str], bytes: usize) -> String {
    let Ok(mut running) = spawn_command(Command::new(interpreter).args(options)) else {
        return String::new();
    };
    running.room = bytes;
    drop(running.child.stdin.take());
    // Text of one that does not end is text all the same.
    let _ = running.wait(PATIENCE);
    running.listen();
    String::from_utf8_lossy(&running.words).into_owned()
}

/// The reason why a program was not started.
enum Failure {
    /// There was no place for it.
    Untried(String),
    /// The kernel's answer.
    Start(io::Error),
}

impl Failure {
    fn outcome(self, words: impl FnOnce(&io::Error) -> String) -> Outcome {
        match self {
            Failure::Untried(why) => Outcome::Untried(why),
            Failure::Start(error) if is_shortage(&error) => {
                Outcome::Untried(format!("no program can be started now: {error}"))
            }
            Failure::Start(error) => Outcome::Fails(words(&error)),
        }
    }
}

/// Starts the command for a program, which is put into a file: in memory, or else on disk.
fn launch(program: &[u8], command: &dyn Fn(&Path) -> Command) -> Result<Running, Failure> {
    if interrupt::check().is_err() {
        return Err(Failure::Untried(INTERRUPTED.to_owned()));
    }
    // Without /proc there is no way to a file in memory.
    if let Ok(file) = ProgramFile::in_memory(program)
        && file.path().exists()
    {
        match spawn(file, command) {
            Ok(running) => return Ok(running),
            Err(error) if is_final(&error) => return Err(Failure::Start(error)),
            // Memory is perhaps not to be executed: try a file on disk.
            Err(_) => {}
        }
    }
    let parent = std::env::temp_dir();
    let file = ProgramFile::on_disk(program, &parent).map_err(|error| {
        let parent = parent.display();
        Failure::Untried(match Path::new("/proc/self/fd").exists() {
            true => format!("there is no place for a program in {parent}: {error}"),
            false => {
                format!("/proc is not mounted here, and there is no place for a program in {parent}: {error}")
            }
        })
    })?;
    spawn(file, command).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied if is_noexec(&parent) => {
            Failure::Untried(format!("{} is on a file system mounted noexec", parent.display()))
        }
        _ => Failure::Start(error),
    })
}

impl Running {
    /// The file that the kernel started: the interpreter, even if it is no longer to be found under its path.
    pub fn interpreter(&self) -> io::Result<File> {
        let own = File::open("/proc/self/exe").ok().and_then(|own| identity(&own));
        let started = Instant::now();
        loop {
            let file = File::open(format!("/proc/{}/exe", self.child.id()))?;
            // The child has shared this process's memory, and with that its program, up to a moment in its exec that comes after
            // the one at which this process goes on (`begin_new_exec` in fs/exec.c: `do_close_on_exec`, and then `exec_mmap`,
            // where `exec_mm_release` wakes the parent before the new memory is there). Seen on Linux 6.12.
            if own.is_none() || identity(&file) != own || started.elapsed() >= PATIENCE {
                return Ok(file);
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    /// Lets the program end, and judges it.
    pub fn finish(mut self) -> Outcome {
        drop(self.child.stdin.take());
        match self.wait(PATIENCE) {
            Ok(Some(status)) if status.code() == Some(program::EXIT_CODE) => Outcome::Runs,
            Ok(Some(status)) => Outcome::Fails(self.report(&way(status))),
            Ok(None) => {
                Outcome::Fails(self.report(&format!("it did not end within {} seconds", PATIENCE.as_secs())))
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                Outcome::Untried(INTERRUPTED.to_owned())
            }
            Err(error) => Outcome::Fails(format!("cannot wait for it: {error}")),
        }
    }

    fn wait(&mut self, patience: Duration) -> io::Result<Option<ExitStatus>> {
        let started = Instant::now();
        let mut pause = Duration::from_micros(500);
        while started.elapsed() < patience {
            let ended = self.try_wait()?;
            self.listen();
            if interrupt::check().is_err() {
                self.end()?;
                return Err(io::ErrorKind::Interrupted.into());
            }
            if ended.is_some() {
                return Ok(ended);
            }
            std::thread::sleep(pause);
            pause = (pause * 3 / 2).min(Duration::from_millis(50));
        }
        self.end()?;
        Ok(None)
    }

    fn end(&mut self) -> io::Result<ExitStatus> {
        // If it has ended meanwhile and nothing of it is left, there is nothing to kill.
        let _ = self.kill();
        self.child.wait()
    }

    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.has_children {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            if rustix::process::waitid(WaitId::Pid(self.pid()), options)?.is_none() {
                return Ok(None);
            }
            // It has ended itself, so there is an outcome, whatever becomes of the rest.
            let _ = self.kill();
        }
        self.child.try_wait()
    }

    /// Kills it, and with it its children: those of an interpreter that is a script, too. As long as nobody has waited for it, its
    /// number is no other group's.
    fn kill(&mut self) -> io::Result<()> {
        Ok(rustix::process::kill_process_group(self.pid(), Signal::KILL)?)
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Takes what is in the pipe now, so that it never fills up. It is not read to its end: a process that an interpreter has
    /// left behind may hold it open for ever.
    fn listen(&mut self) {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = self.output.read(&mut buffer) {
            let room = self.room.saturating_sub(self.words.len());
            self.words.extend_from_slice(&buffer[..read.min(room)]);
        }
    }

    /// The way it ended, where, and the interpreter's words.
    fn report(&mut self, way: &str) -> String {
        self.listen();
        let words = String::from_utf8_lossy(&self.words);
        let account = match self.has_children {
            true => Account::read(&words),
            false => Account { words: words.lines().next().map(str::trim), ..Account::default() },
        };
        let way = account.failure.as_deref().unwrap_or(way);
        let way = account.part.map_or_else(|| way.to_owned(), |part| format!("in `{part}`, {way}"));
        match account.words {
            Some(words) if !words.is_empty() => format!("{way}: {words}"),
            _ => way,
        }
    }
}

/// The way a program ended that did not end as it should.
fn way(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it exited with {code} instead of {}", program::EXIT_CODE),
        (None, Some(signal)) => format!("it was killed by signal {signal}"),
        (None, None) => status.to_string(),
    }
}

/// Tells a file from others.
fn identity(file: &File) -> Option<(u64, u64)> {
    file.metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

impl Drop for Running {
    fn drop(&mut self) {
        // Not finished: it is of no use any more. A child that has ended takes no harm.
        if let Ok(None) = self.try_wait() {
            let _ = self.kill();
        }
        let _ = self.child.wait();
    }
}

fn spawn(file: ProgramFile, command: &dyn Fn(&Path) -> Command) -> io::Result<Running> {
    let mut running = spawn_command(&mut command(&file.path()))?;
    running._file = Some(file);
    Ok(running)
}

fn spawn_command(command: &mut Command) -> io::Result<Running> {
    let (output, writer) = io::pipe()?;
    rustix::fs::fcntl_setfl(&output, OFlags::NONBLOCK)?;
    // Variables such as QEMU_STRACE would change what is tried. The pipe stands in for /dev/null, which need not be there.
    command.env_clear().stdin(Stdio::piped()).stdout(writer.try_clone()?).stderr(writer);
    command.process_group(0);
    let hold = Hold::new();
    let mut tries = 50;
    loop {
        match confined::spawn(command) {
            // A process that another thread is starting just now still has the file open for writing.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::TXTBSY) && tries > 0 => {
                tries -= 1;
                std::thread::sleep(Duration::from_millis(1));
            }
            result => {
                return Ok(Running {
                    child: result?,
                    output,
                    words: Vec::new(),
                    room: WORDS,
                    has_children: false,
                    _file: None,
                    _hold: hold,
                });
            }
        }
    }
}

/// True of errors that another kind of file would not change: execve(2) has found the program.
fn is_final(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOEXEC | Errno::NOENT | Errno::LOOP))
        || is_shortage(error)
}

/// True of errors that say something about this process or machine, and nothing about an interpreter.
fn is_shortage(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE | Errno::AGAIN | Errno::NOMEM))
}

/// The meaning of an error for a program that was found.
fn through_the_kernel(error: &io::Error) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::NOEXEC) => "nothing is registered that runs it".to_owned(),
        Some(Errno::NOENT) => "its interpreter is not to be found here".to_owned(),
        Some(Errno::LOOP) => "its interpreter would need an interpreter itself".to_owned(),
        _ => format!("it cannot be started: {error}"),
    }
}

fn is_noexec(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|stat| stat.f_flag.contains(StatVfsMountFlags::NOEXEC))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;

    use super::*;
    use crate::machine::Machine;

    /// A target whose programs need no entry.
    fn native() -> Target {
        Machine::here().natives()[0]
    }

    #[test]
    fn a_program_waits_to_be_looked_at_and_then_ends_as_it_should() {
        let running = start(native()).unwrap();
        let mut started = Vec::new();
        running.interpreter().unwrap().read_to_end(&mut started).unwrap();
        assert_eq!(
            Some(started),
            program::elf(native()),
            "without an interpreter, the program itself was started"
        );
        assert_eq!(running.finish(), Outcome::Runs);
        assert_eq!(run(native()), Outcome::Runs);
    }

    /// A program that becomes another one a moment after it was started, as a child does that is still in its exec.
    #[test]
    fn the_interpreter_is_not_this_program() {
        const STARTED: &str = "QUS_TEST_STARTED";
        if std::env::var_os(STARTED).is_some() {
            std::thread::sleep(Duration::from_millis(100));
            panic!("{}", Command::new("/bin/sh").args(["-c", "read line"]).exec());
        }
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "check::tests::the_interpreter_is_not_this_program", "--nocapture"]);
        command.env(STARTED, "").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command.process_group(0);
        let (output, _) = io::pipe().unwrap();
        let running = Running {
            child: command.spawn().unwrap(),
            output,
            words: Vec::new(),
            room: WORDS,
            has_children: false,
            _file: None,
            _hold: Hold::new(),
        };
        let shell = File::open("/bin/sh").unwrap();
        // A test is not its process's first thread, whose place it takes when it becomes another program; before that, the first one
        // is gone (`de_thread` in fs/exec.c), and with it what it runs.
        let found = (0..1000).find_map(|_| match running.interpreter() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                std::thread::sleep(Duration::from_millis(1));
                None
            }
            found => Some(found.unwrap()),
        });
        assert_eq!(identity(&found.unwrap()), identity(&shell));
    }

    #[test]
    fn a_program_that_does_not_end_is_killed() {
        let mut running = start(native()).unwrap();
        assert_eq!(running.wait(Duration::from_millis(20)).unwrap(), None);
        assert_eq!(running.child.try_wait().unwrap().and_then(|status| status.signal()), Some(9));
    }

    #[test]
    fn a_program_that_does_not_end_is_killed_with_its_children() {
        let seconds = std::process::id() + 200_000;
        let script = format!("/bin/sleep {seconds} & echo part threads; /bin/sleep {seconds}");
        let mut running = spawn_command(Command::new("/bin/sh").args(["-c", &script])).unwrap();
        running.has_children = true;
        while running.words.is_empty() {
            std::thread::sleep(Duration::from_millis(1));
            running.listen();
        }
        assert_eq!(running.wait(Duration::from_millis(20)).unwrap(), None);
        assert_eq!(running.report("it did not end"), "in `threads`, it did not end");
        // A process that was killed ends a moment later.
        let is_left = || {
            std::fs::read_dir("/proc").unwrap().any(|entry| {
                let words = std::fs::read(entry.unwrap().path().join("cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&words).contains(&format!("sleep\0{seconds}\0"))
            })
        };
        let gone = (0..1000).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            !is_left()
        });
        assert!(gone);
    }

    #[test]
    fn a_file_does_where_memory_does_not_and_goes_away() {
        let parent = tempfile::tempdir().unwrap();
        let file = ProgramFile::on_disk(&program::elf(native()).unwrap(), parent.path()).unwrap();
        let path = file.path();
        let running = spawn(file, &|path| Command::new(path)).unwrap();
        assert!(path.exists(), "an interpreter may open it as long as it runs");
        assert_eq!(running.finish(), Outcome::Runs);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_program_did_instead_is_told() {
        let shell =
            |script: &str| spawn_command(Command::new("/bin/sh").args(["-c", script])).unwrap().finish();
        for (script, expected) in [
            ("exit 42", Outcome::Runs),
            ("exit 1", Outcome::Fails("it exited with 1 instead of 42".to_owned())),
            ("kill -SEGV $$", Outcome::Fails("it was killed by signal 11".to_owned())),
            (
                "echo no >&2; echo way >&2; exit 7",
                Outcome::Fails("it exited with 7 instead of 42: no".to_owned()),
            ),
        ] {
            assert_eq!(shell(script), expected, "{script}");
        }
        // More than a pipe holds is no obstacle, and neither is a process that is left behind with the pipe.
        let before = Instant::now();
        let much = "i=0; while [ $i -lt 2000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done; exit 3";
        let expected = "it exited with 3 instead of 42: 0123456789012345678901234567890123456789";
        assert_eq!(shell(much), Outcome::Fails(expected.to_owned()));
        let left = "/bin/sleep 15 & echo left >&2; exit 4";
        assert_eq!(shell(left), Outcome::Fails("it exited with 4 instead of 42: left".to_owned()));
        assert!(before.elapsed() < Duration::from_secs(10), "{:?}", before.elapsed());
    }

    #[test]
    fn why_nothing_started_is_told() {
        for (errno, expected) in [
            (Errno::NOEXEC, "nothing is registered that runs it"),
            (Errno::NOENT, "its interpreter is not to be found here"),
            (Errno::LOOP, "its interpreter would need an interpreter itself"),
            (Errno::ACCESS, "it cannot be started: Permission denied (os error 13)"),
        ] {
            assert_eq!(through_the_kernel(&errno.into()), expected);
        }
        for (errno, expected) in [
            (Errno::MFILE, "no program can be started now: Too many open files (os error 24)"),
            (Errno::AGAIN, "no program can be started now: Resource temporarily unavailable (os error 11)"),
        ] {
            let outcome = Failure::Start(errno.into()).outcome(through_the_kernel);
            assert_eq!(outcome, Outcome::Untried(expected.to_owned()));
        }
    }
}
