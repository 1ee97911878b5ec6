//! Interactive shells at a terminal.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use testbed::Sandbox;

/// A shell starts in a second; this is for a machine under load.
const LIMIT: Duration = Duration::from_secs(60);

/// A shell, and how it is set up: once it waits for a line it makes the file `/tmp/ready`, and ^X^B writes the line as it
/// stands to `/tmp/line`.
pub(crate) struct Shell {
    pub(crate) name: &'static str,
    /// The folders for completions that docs/images.md names.
    pub(crate) completions: &'static str,
    settings: (&'static str, &'static str),
}

pub(crate) const BASH: Shell = Shell {
    name: "bash",
    completions: "/root/.local/share/bash-completion/completions",
    settings: (
        "/root/.bashrc",
        r#"
. /usr/share/bash-completion/bash_completion
PROMPT_COMMAND=': > /tmp/ready'
written() { printf '%s' "$READLINE_LINE" > /tmp/part; mv /tmp/part /tmp/line; }
bind -x '"\C-x\C-b": written'
"#,
    ),
};

pub(crate) const ZSH: Shell = Shell {
    name: "zsh",
    completions: "/usr/share/zsh/vendor-completions",
    settings: (
        "/root/.zshrc",
        r#"
autoload -Uz compinit
compinit -u
zle-line-init() { : > /tmp/ready }
zle -N zle-line-init
written() { print -rn -- "$BUFFER" > /tmp/part; mv /tmp/part /tmp/line }
zle -N written
bindkey '^X^B' written
"#,
    ),
};

pub(crate) const FISH: Shell = Shell {
    name: "fish",
    completions: "/root/.config/fish/completions",
    settings: (
        "/root/.config/fish/config.fish",
        r#"
function fish_prompt
    echo > /tmp/ready
end
bind \cx\cb 'commandline > /tmp/part; mv /tmp/part /tmp/line'
"#,
    ),
};

impl Shell {
    pub(crate) fn start<'a>(&self, sandbox: &'a Sandbox) -> Typist<'a> {
        let (file, settings) = self.settings;
        sandbox.write(file, settings).unwrap();
        let log = sandbox.shared().join("terminal.log");
        let screen = File::create(&log).unwrap();
        let mut command = sandbox.command("script");
        command.args(["--quiet", "--command", &format!("{} -i", self.name), "/dev/null"]);
        command.env("TERM", "xterm").stdin(Stdio::piped()).stdout(screen.try_clone().unwrap()).stderr(screen);
        let typist = Typist { sandbox, child: command.spawn().unwrap(), log };
        typist.take("/tmp/ready");
        typist
    }
}

/// Somebody at a shell's terminal.
pub(crate) struct Typist<'a> {
    sandbox: &'a Sandbox,
    child: Child,
    log: PathBuf,
}

impl Typist<'_> {
    /// The line that `typed` becomes by the key for completion.
    pub(crate) fn complete(&mut self, typed: &str) -> String {
        let (tab, show, clear) = ("\t", "\x18\x02", "\x15");
        write!(self.child.stdin.as_ref().unwrap(), "{typed}{tab}{show}{clear}").unwrap();
        self.take("/tmp/line").trim_end().to_owned()
    }

    /// The content of the terminal.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap()).into_owned()
    }

    /// Waits for a file, and takes it away.
    fn take(&self, file: &str) -> String {
        let path = self.sandbox.path(file);
        let end = Instant::now() + LIMIT;
        while !path.exists() {
            assert!(Instant::now() < end, "no {file} after {} s: {}", LIMIT.as_secs(), self.log());
            thread::sleep(Duration::from_millis(20));
        }
        let text = fs::read_to_string(&path).unwrap();
        fs::remove_file(path).unwrap();
        text
    }
}

impl Drop for Typist<'_> {
    fn drop(&mut self) {
        // This is only the way into the sandbox, in whose end the shell ends.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
