//! What the tests on real engines share.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use qus_testbed::{Package, Source};

/// Whether the machine can run sandboxes; says so if not.
pub(crate) fn ready(test: &str) -> bool {
    let missing = qus_testbed::missing();
    if let Some(reason) = &missing {
        qus_testbed::skip(test, reason, std::env::var_os("CI").is_some());
    }
    missing.is_none()
}

pub(crate) fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("testbed")
}

pub(crate) struct Curl {
    mirror: String,
    dir: PathBuf,
    lists: Mutex<HashMap<String, String>>,
}

impl Curl {
    pub(crate) fn new() -> Curl {
        let mirror = std::fs::read_dir("/etc/apt/sources.list.d")
            .unwrap()
            .filter_map(|entry| std::fs::read_to_string(entry.unwrap().path()).ok())
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
            .find_map(|line| {
                line.strip_prefix("URIs: ").filter(|uri| uri.ends_with("/debian")).map(str::to_owned)
            })
            .unwrap();
        let dir = cache().join("debs");
        std::fs::create_dir_all(&dir).unwrap();
        Curl { mirror, dir, lists: Mutex::default() }
    }

    fn get(&self, path: &str, to: &Path) {
        if !to.exists() {
            let url = format!("{}/{path}", self.mirror);
            let partial = tempfile::NamedTempFile::new_in(&self.dir).unwrap();
            assert!(
                Command::new("curl")
                    .args(["-sf", "-o"])
                    .arg(partial.path())
                    .arg(url)
                    .status()
                    .unwrap()
                    .success()
            );
            partial.persist(to).unwrap();
        }
    }
}

impl Source for Curl {
    fn deb(&self, package: &Package) -> Result<PathBuf, Box<dyn std::error::Error + Send + Sync>> {
        let name = format!("{}-{}", package.suite, package.architecture);
        let mut lists = self.lists.lock().unwrap();
        let list = lists.entry(name.clone()).or_insert_with(|| {
            let file = self.dir.join(format!("{name}.xz"));
            self.get(
                &format!("dists/{}/main/binary-{}/Packages.xz", package.suite, package.architecture),
                &file,
            );
            String::from_utf8(Command::new("xz").arg("-dc").arg(&file).output().unwrap().stdout).unwrap()
        });
        let stanza = list
            .split("\n\n")
            .find(|stanza| stanza.lines().next() == Some(&format!("Package: {}", package.name)))
            .ok_or("not there")?;
        let path = stanza.lines().find_map(|line| line.strip_prefix("Filename: ")).ok_or("no Filename")?;
        let file = self.dir.join(format!(
            "{}-{}",
            package.suite,
            Path::new(path).file_name().unwrap().to_str().unwrap()
        ));
        self.get(path, &file);
        Ok(file)
    }
}
