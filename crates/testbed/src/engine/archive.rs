//! An archive with one image of one layer, as `docker save` writes it and every engine loads it.
//!
//! `docker import --platform` would be the way, but Docker 20.10 writes its own architecture into the image, whatever
//! it gets (daemon/images/image_import.go, `runtime.GOARCH`).

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use arch::Platform;
use serde_json::json;
use sha256::Hasher;

/// Writes the image `name` with the layer `rootfs`, a tar, to `archive`.
pub(super) fn write(
    archive: impl Write,
    rootfs: &mut (impl Read + Seek),
    platform: Platform,
    name: &str,
) -> io::Result<()> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match rootfs.read(&mut buffer)? {
            0 => break,
            n => hasher.update(&buffer[..n]),
        }
    }
    let size = hasher.size();
    let mut config = json!({
        "architecture": platform.architecture,
        "os": "linux",
        "config": {"Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]},
        // One for each layer: podman builds nothing on an image whose history is shorter.
        "history": [{"created_by": "import"}],
        "rootfs": {"type": "layers", "diff_ids": [hasher.finish().to_string()]},
    });
    if let Some(variant) = platform.variant {
        config["variant"] = variant.into();
    }
    let manifest = json!([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]);

    rootfs.rewind()?;
    let mut builder = tar::Builder::new(archive);
    let mut add = |path: &str, size: u64, contents: &mut dyn Read| {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(size);
        builder.append_data(&mut header, path, contents)
    };
    add("layer.tar", size, rootfs)?;
    for (path, value) in [("config.json", config), ("manifest.json", manifest)] {
        let text = value.to_string();
        add(path, text.len() as u64, &mut text.as_bytes())?;
    }
    builder.finish()
}

/// The same, from the file `rootfs` into an unnamed file that is ready to be read.
pub(super) fn file(rootfs: &mut File, platform: Platform, name: &str) -> io::Result<File> {
    let mut archive = tempfile::tempfile()?;
    write(io::BufWriter::new(&mut archive), rootfs, platform, name)?;
    archive.rewind()?;
    Ok(archive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_config_names_platform_and_layer() {
        let platform = "armhf".parse::<arch::Host>().unwrap().platform();
        let mut bytes = Vec::new();
        write(&mut bytes, &mut io::Cursor::new(b"abc"), platform, "a:b").unwrap();
        let members: Vec<(String, String)> = tar::Archive::new(&bytes[..])
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                (entry.path().unwrap().display().to_string(), text)
            })
            .collect();
        let config = concat!(
            r#"{"architecture":"arm","config":{"Env":["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]},"#,
            r#""history":[{"created_by":"import"}],"os":"linux","rootfs":"#,
            r#"{"diff_ids":["sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],"#,
            r#""type":"layers"},"variant":"v7"}"#
        );
        let manifest = r#"[{"Config":"config.json","Layers":["layer.tar"],"RepoTags":["a:b"]}]"#;
        let expected = [("layer.tar", "abc"), ("config.json", config), ("manifest.json", manifest)];
        assert_eq!(members, expected.map(|(path, text)| (path.to_owned(), text.to_owned())));
    }
}
