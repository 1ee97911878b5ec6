//! The works that ways are measured by, each of about a second.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use tempfile::TempDir;

/// Something that is done in every way.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) name: &'static str,
    /// In `usr/bin`, but for `cc1`.
    pub(super) program: &'static str,
    /// TEXT, BYTES, UNIT.c and REPOSITORY stand for the files of these kinds.
    pub(super) arguments: &'static [&'static str],
    /// The file that it reads as its standard input.
    pub(super) stdin: Option<&'static str>,
    /// The number of times that it is done.
    pub(super) times: usize,
    /// True if its program looks for files in `/usr`, where only QEMU shows it those of the root.
    pub(super) has_files: bool,
}

const BASH: &str =
    "s=0; for ((i=0;i<25000;i++)); do s=$(( (s*31+i)%65521 )); a[i%100]=x$s; done; [[ ${#a[@]} = 100 ]]";

const PERL: &str = "my %h; for my $i (0..300000){ $h{\"k\".($i%5000)} .= chr(65+$i%26) } my $n=0; \
    for my $k (keys %h){ $n+=length $h{$k} } my $t=0; for my $i (0..800000){ $t=($t*31+$i)%65521 } \
    my $s=join \",\", map { $_*2 } 0..100000; print length $s";

const PYTHON: &str = "d={}\nfor i in range(150000):\n d[i%5000]=d.get(i%5000,0)+i\ns=0\nfor i in range(300000):\n \
    s=(s*31+i)%65521\nx=','.join(str(j) for j in range(50000))";

const NODE: &str = "const m=new Map();for(let i=0;i<200000;i++){const k='k'+i%5000;m.set(k,(m.get(k)||0)+i)}\
    const t=JSON.stringify([...m]);let n=0;for(let i=0;i<5;i++)n+=JSON.parse(t).length+(t.match(/k\\d+/g)||[]).length;\
    if(n!==50000)process.exit(1)";

const CC1: &[&str] = &["-quiet", "-O0", "UNIT.c", "-o", "/dev/null"];

/// The unit to compile: a library in one header. It includes three of the C compiler's own, and uses this of them.
pub(super) const HEADER: &str = "usr/include/stb/stb_sprintf.h";
const PROLOGUE: &str = "#define STB_SPRINTF_IMPLEMENTATION
typedef __builtin_va_list va_list;
#define va_start __builtin_va_start
#define va_arg __builtin_va_arg
#define va_end __builtin_va_end
typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;
typedef __UINTPTR_TYPE__ uintptr_t;
";

const fn work(name: &'static str, arguments: &'static [&'static str], times: usize) -> Work {
    Work { name, program: name, arguments, stdin: None, times, has_files: false }
}

#[rustfmt::skip]
pub(super) const WORKS: [Work; 11] = [
    work("bash", &["-c", BASH], 1),
    work("perl", &["-e", PERL], 1),
    work("python3", &["-IS", "-c", PYTHON], 1),
    Work { program: "cc1", ..work("gcc", CC1, 1) },
    Work { stdin: Some("STREAM"), ..work("git", &["--git-dir", "REPOSITORY", "fast-import", "--quiet"], 1) },
    Work { has_files: true, ..work("node", &["-e", NODE], 1) },
    work("xz", &["-2c", "-T1", "TEXT"], 1),
    work("zstd", &["-6qc", "--single-thread", "TEXT"], 2),
    work("sha256sum", &["BYTES"], 6),
    Work { name: "AES", ..work("openssl", &["enc", "-aes-256-ctr", "-K", KEY, "-iv", IV, "-in", "BYTES", "-out", "/dev/null"], 4) },
    Work { name: "SHA-512", ..work("openssl", &["dgst", "-sha512", "BYTES"], 4) },
];

/// The start of a program that does nothing.
pub(super) const START: Work = Work { name: "start-up", ..work("true", &[], 200) };

const KEY: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const IV: &str = "00000000000000000000000000000000";

/// All works, in the order of their times.
pub(super) fn works() -> impl Iterator<Item = &'static Work> {
    WORKS.iter().chain([&START])
}

/// The files that works read. They are the same on every machine.
#[derive(Debug)]
pub(super) struct Data {
    dir: TempDir,
}

impl Data {
    pub(super) fn new() -> anyhow::Result<Data> {
        let data = Data { dir: tempfile::tempdir()? };
        let mut state = 1_u64;
        let mut next = || {
            // Knuth's MMIX.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        let word = |next: &mut dyn FnMut() -> usize| -> String {
            let length = 2 + next() % 8;
            (0..length).map(|_| char::from(b'a' + (next() % 26) as u8)).collect()
        };
        let words: Vec<String> = (0..2000).map(|_| word(&mut next)).collect();
        let text: Vec<&str> = (0..300_000).map(|_| words[next() % words.len()].as_str()).collect();
        fs::write(data.path("TEXT"), text.join(" "))?;
        let bytes: Vec<u8> = (0..1 << 20).map(|_| next() as u8).collect();
        fs::write(data.path("BYTES"), bytes.repeat(16))?;
        write_stream(&data.path("STREAM"), &text)?;
        Ok(data)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes the unit to compile, without a need for any other header.
    pub(super) fn write_unit(&self, header: &Path) -> anyhow::Result<()> {
        let text = fs::read_to_string(header).with_context(|| format!("cannot read {}", header.display()))?;
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("#include"));
        Ok(fs::write(self.path("UNIT.c"), PROLOGUE.to_owned() + &lines.collect::<Vec<_>>().join("\n"))?)
    }

    /// Makes an empty repository in the place of the one before.
    pub(super) fn clear_repository(&self) -> anyhow::Result<()> {
        let repository = self.path("REPOSITORY");
        if repository.exists() {
            fs::remove_dir_all(&repository)?;
        }
        fs::create_dir_all(repository.join("objects"))?;
        fs::create_dir_all(repository.join("refs"))?;
        Ok(fs::write(repository.join("HEAD"), "ref: refs/heads/main\n")?)
    }

    /// The standard input of a work.
    pub(super) fn stdin(&self, work: &Work) -> anyhow::Result<Stdio> {
        Ok(work
            .stdin
            .map(|name| File::open(self.path(name)))
            .transpose()?
            .map_or_else(Stdio::null, Stdio::from))
    }

    /// An argument with the path of a file in its place.
    pub(super) fn fill(&self, word: &str) -> String {
        let is_file = ["TEXT", "BYTES", "UNIT.c", "REPOSITORY"].contains(&word);
        if is_file { self.path(word).to_string_lossy().into_owned() } else { word.to_owned() }
    }
}

/// A history for `git fast-import`: so many commits, each with other words in one of a hundred files.
fn write_stream(path: &Path, words: &[&str]) -> anyhow::Result<()> {
    let mut stream = std::io::BufWriter::new(File::create(path)?);
    for (index, words) in words.chunks_exact(400).take(600).enumerate() {
        let text = words.join("\n");
        writeln!(stream, "commit refs/heads/main\ncommitter A <a@example.org> {index} +0000\ndata 0\n")?;
        writeln!(stream, "M 100644 inline file-{}\ndata {}\n{text}", index % 100, text.len())?;
    }
    Ok(stream.flush()?)
}
