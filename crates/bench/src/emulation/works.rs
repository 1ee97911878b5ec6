//! The works that ways are measured by: up to a second each.

use std::fs;

use tempfile::TempDir;

/// Something that is done in every way.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) name: &'static str,
    /// In `usr/bin`; `python3` stands for the one that there is.
    pub(super) program: &'static str,
    /// TEXT and BYTES stand for the files of these kinds.
    pub(super) arguments: &'static [&'static str],
    /// The number of times that it is done.
    pub(super) times: usize,
    /// True if it is an interpreter.
    pub(super) is_interpreter: bool,
}

const BASH: &str =
    "s=0; for ((i=0;i<25000;i++)); do s=$(( (s*31+i)%65521 )); a[i%100]=x$s; done; [[ ${#a[@]} = 100 ]]";

const PERL: &str = "my %h; for my $i (0..150000){ $h{\"k\".($i%5000)} .= chr(65+$i%26) } my $n=0; \
    for my $k (keys %h){ $n+=length $h{$k} } my $t=0; for my $i (0..400000){ $t=($t*31+$i)%65521 } \
    my $s=join \",\", map { $_*2 } 0..50000; print length $s";

const PYTHON: &str = "d={}\nfor i in range(120000):\n d[i%5000]=d.get(i%5000,0)+i\ns=0\nfor i in range(250000):\n \
    s=(s*31+i)%65521\nx=','.join(str(j) for j in range(40000))";

const fn work(name: &'static str, arguments: &'static [&'static str], times: usize) -> Work {
    Work { name, program: name, arguments, times, is_interpreter: false }
}

const fn interpreter(name: &'static str, arguments: &'static [&'static str]) -> Work {
    Work { is_interpreter: true, ..work(name, arguments, 1) }
}

#[rustfmt::skip]
pub(super) const WORKS: [Work; 10] = [
    interpreter("bash", &["-c", BASH]),
    interpreter("perl", &["-e", PERL]),
    interpreter("python3", &["-IS", "-c", PYTHON]),
    work("gzip", &["-6c", "TEXT"], 3),
    work("xz", &["-2c", "-T1", "TEXT"], 1),
    work("zstd", &["-6qc", "--single-thread", "TEXT"], 2),
    work("sha256sum", &["BYTES"], 4),
    Work { name: "AES", ..work("openssl", &["enc", "-aes-256-ctr", "-K", KEY, "-iv", IV, "-in", "BYTES", "-out", "/dev/null"], 2) },
    Work { name: "SHA-512", ..work("openssl", &["dgst", "-sha512", "BYTES"], 3) },
    Work { name: "start-up", ..work("true", &[], 60) },
];

const KEY: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const IV: &str = "00000000000000000000000000000000";

/// The files that works read. They are the same on every machine.
#[derive(Debug)]
pub(super) struct Data {
    dir: TempDir,
}

impl Data {
    pub(super) fn new() -> anyhow::Result<Data> {
        let dir = tempfile::tempdir()?;
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
        fs::write(dir.path().join("TEXT"), text.join(" "))?;
        let bytes: Vec<u8> = (0..1 << 20).map(|_| next() as u8).collect();
        fs::write(dir.path().join("BYTES"), bytes.repeat(16))?;
        Ok(Data { dir })
    }

    /// An argument with the path of a file in its place.
    pub(super) fn fill(&self, word: &str) -> String {
        let file = self.dir.path().join(word);
        if ["TEXT", "BYTES"].contains(&word) { file.to_string_lossy().into_owned() } else { word.to_owned() }
    }
}
