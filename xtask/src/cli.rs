//! The command line: arguments and options, and nothing else. All of it is known in every build.

pub(crate) mod full;
mod output;
mod value;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use arch::{Host, Target};
use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

use builder::Statements;
use builder::cache::Limit;
use builder::kind::Kind;
use builder::packing::{Compression, Level};
pub(crate) use output::Output;
use ship::Via;
use value::{at_least_one, named};

/// The maintainer's commands of qus.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build the images from the lock into an OCI image layout
    Images(ImagesArgs),
    #[command(flatten)]
    Full(full::Command),
    /// Join what every host's `images --push --host` has pushed into the indexes, and move the tags
    Manifest(ManifestArgs),
    /// Check a layout or an image at a registry: every digest, size and diff_id, and each binary in each image
    Verify(VerifyArgs),
    /// Print what is in an image of a layout or a registry, as its index says: its SBOM
    Sbom(SbomArgs),
    /// Show what is in the cache; `prune` it, or `verify` it
    Cache(CacheArgs),
    /// Print what CHANGELOG.md says about the version that a release's tag names
    Notes(NotesArgs),
    /// Print a completion script for a shell
    #[command(after_help = "Example:
  cargo xtask completions bash > ~/.local/share/bash-completion/completions/cargo-xtask
  alias cargo-xtask='cargo xtask'            what it completes")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Parses the path of a folder. `-` is stdout wherever a file is meant, and so nothing where a folder is.
pub(crate) fn folder() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.as_os_str() == "-" {
        true => Err("a folder is meant, not stdout; one of this name is `./-`"),
        false => Ok(path),
    })
}

#[derive(Debug, Default, Args)]
pub(crate) struct Sources {
    /// Debian mirror to fetch from [default: $QUS_MIRROR, images.toml's, the machine's apt sources, ftp.debian.org]
    #[arg(long, value_name = "URL")]
    pub(crate) mirror: Option<String>,
    /// Where downloads and results are kept [default: $QUS_CACHE_DIR, $XDG_CACHE_HOME/qus, ~/.cache/qus]
    #[arg(long, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// The most that the cache keeps: 500M, 2GiB, none [default: $QUS_CACHE_SIZE, 10GiB]
    #[arg(long, value_name = "SIZE")]
    pub(crate) cache_size: Option<Limit>,
    /// Use what is in the cache; never touch the network
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask images                                 everything, for every host
  cargo xtask images --host amd64 --kind full        one image
  cargo xtask images --target aarch64                the single-target image `aarch64`, for every host
  cargo xtask images --host amd64 --archive qus.tar && docker load -i qus.tar
  cargo xtask images --series bookworm               the images of the oldest QEMU, under `d7.2` and its like
  cargo xtask images --host amd64 --prune            one host, and nothing else in the layout
  cargo xtask images --host amd64 --load             into the Docker engine or podman
  cargo xtask images --compression both              gzip and zstd side by side, and tags ending in -zstd
  cargo xtask images --push --dry-run                what a push would upload
  cargo xtask images --push                          ship it")]
pub(crate) struct ImagesArgs {
    /// Build for this host only (repeatable, or with commas)
    #[arg(long, value_name = "HOST", value_delimiter = ',', value_parser = named::<Host>(Host::all().map(Host::name)))]
    pub(crate) host: Vec<Host>,
    /// Build the image with this target alone (repeatable, or with commas)
    #[arg(long, value_name = "TARGET", value_delimiter = ',', hide_possible_values = true, value_parser = named::<Target>(Target::all().map(Target::name)))]
    pub(crate) target: Vec<Target>,
    /// Build images of this kind (repeatable, or with commas)
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = named::<Kind>(Kind::all().map(Kind::name)))]
    pub(crate) kind: Vec<Kind>,
    /// Build the images of this series of QEMU: newest, one of images.toml's `series`, or all (repeatable, or with commas)
    /// [default: newest]
    #[arg(long, value_name = "SERIES", value_delimiter = ',')]
    pub(crate) series: Vec<String>,
    /// What layers are compressed with [default: images.toml's, gzip]
    #[arg(long, value_name = "FORM")]
    pub(crate) compression: Option<Compression>,
    /// What is said about each image in its index [default: images.toml's, all]
    #[arg(long, value_name = "WHAT")]
    pub(crate) attest: Option<Statements>,
    /// How hard binaries are compressed [default: best with --push, or else quick]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) level: Option<Level>,
    /// Name of the images [default: images.toml's, docker.io/aptman/qus]
    #[arg(long, value_name = "NAME")]
    pub(crate) repository: Option<String>,
    /// Write the layout here; a build of a part leaves the rest that is there alone
    #[arg(long, value_name = "DIR", default_value = "target/images", value_parser = folder())]
    pub(crate) output: PathBuf,
    /// Also write one tar that `docker load` and `podman load` take; `-` for stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) archive: Option<PathBuf>,
    /// How many binaries to compress at the same time; for gzip, also how many hosts' packages to decode [default: the number
    /// of cores]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) jobs: Option<NonZero<usize>>,
    /// Leave nothing else in the layout; without --host, --kind and --target that is so anyway, but
    /// for other series
    #[arg(long)]
    pub(crate) prune: bool,
    /// Print what would be fetched, built, tagged and removed, and stop; with --push, what would be uploaded
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) ship: ShipArgs,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Shipping")]
pub(crate) struct ShipArgs {
    /// Load the images into the engine at DOCKER_HOST, the docker context's, or the default sockets
    #[arg(long)]
    pub(crate) load: bool,
    /// Push the images; with --host, without the indexes (`cargo xtask manifest` joins them)
    #[arg(long)]
    pub(crate) push: bool,
    /// Push through this [default: the engine if it keeps digests, or else the registry]
    #[arg(long, value_name = "WAY", requires = "push")]
    pub(crate) push_via: Option<Via>,
    /// Leave tags that move (`latest`, `mips-pkg`) to `cargo xtask manifest`
    #[arg(long, requires = "push")]
    pub(crate) versioned_only: bool,
    /// Push what is said about each image as its referrers, too (OCI 1.1), straight to the registry
    #[arg(long, requires = "push")]
    pub(crate) referrers: bool,
    /// Ask for every image and blob, whatever the tags point to, and push what the registry has lost, straight to it
    #[arg(long, requires = "push")]
    pub(crate) repair: bool,
    /// Write each tag's digest and reference into this file, or `-` for stdout: of what was pushed, or else of what was built
    #[arg(long, value_name = "FILE")]
    pub(crate) digest_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

impl ShipArgs {
    /// True if an engine may be asked for, which the feature `full` is needed for. (A dry run asks the registry alone.)
    #[cfg(any(not(feature = "full"), test))]
    pub(crate) fn may_take_engine(&self, dry_run: bool) -> bool {
        let through = self.push && !self.referrers && !self.repair && self.push_via != Some(Via::Registry);
        !dry_run && (self.load || through)
    }

    pub(crate) fn options(&self, cache_dir: &Path, now: SystemTime) -> ship::Options {
        ship::Options {
            load: self.load,
            push: self.push,
            via: self.push_via,
            versioned_only: self.versioned_only,
            referrers: self.referrers,
            digest_file: self.digest_file.clone(),
            cache_dir: cache_dir.to_owned(),
            now,
            registry: ship::RegistryOptions { repair: self.repair, ..self.registry.options() },
        }
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Shipping")]
pub(crate) struct RegistryArgs {
    /// Allow plain HTTP to a registry that is not on this machine
    #[arg(long)]
    pub(crate) insecure_registry: bool,
    /// Trust the authority with this certificate (PEM) besides the system's (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(crate) registry_ca: Vec<PathBuf>,
}

impl RegistryArgs {
    pub(crate) fn options(&self) -> ship::RegistryOptions {
        ship::RegistryOptions {
            insecure: self.insecure_registry,
            authorities: self.registry_ca.clone(),
            repair: false,
            variable: |name| std::env::var_os(name),
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Example, one job for each host and then one more:
  cargo xtask images --push --versioned-only --host amd64
  cargo xtask images --push --versioned-only --host arm64v8
  …
  cargo xtask manifest")]
pub(crate) struct ManifestArgs {
    /// The series that were pushed, or all (repeatable, or with commas) [default: newest]
    #[arg(long, value_name = "SERIES", value_delimiter = ',')]
    pub(crate) series: Vec<String>,
    /// What the images were pushed with [default: images.toml's, gzip]
    #[arg(long, value_name = "FORM")]
    pub(crate) compression: Option<Compression>,
    /// What is said about the images that were pushed [default: images.toml's, all]
    #[arg(long, value_name = "WHAT")]
    pub(crate) attest: Option<Statements>,
    /// Name of the images [default: images.toml's, docker.io/aptman/qus]
    #[arg(long, value_name = "NAME")]
    pub(crate) repository: Option<String>,
    /// Refuse other images than those that `images --digest-file` wrote into this file
    #[arg(long, value_name = "FILE")]
    pub(crate) expect: Option<PathBuf>,
    /// Write each tag's digest and reference into this file, or `-` for stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) digest_file: Option<PathBuf>,
    /// Print which tags would be moved, and stop
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print the tags with their digests as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask verify target/images
  cargo xtask verify docker.io/aptman/qus:latest
  cargo xtask verify --deep docker.io/aptman/qus:aarch64
  cargo xtask verify --key qus.pub docker.io/aptman/qus:latest")]
pub(crate) struct VerifyArgs {
    /// A layout's directory, or the name of an image at a registry
    #[arg(value_name = "LAYOUT|REFERENCE")]
    pub(crate) what: String,
    /// Download the image's blobs and check what is in them, too
    #[arg(long)]
    pub(crate) deep: bool,
    /// Refuse an image at a registry without a signature of this public key (ECDSA on P-256, PEM; `-` for stdin)
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// The repository that the image was signed in, as for a mirror [default: where it is]
    #[arg(long, value_name = "NAME", requires = "key")]
    pub(crate) signed_as: Option<String>,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// How many blobs to read at the same time [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) jobs: Option<NonZero<usize>>,
}

/// The form of a bill of materials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A line for each package
    Table,
    /// SPDX 2.3 as JSON: all that is known
    Spdx,
    /// CycloneDX 1.6 as JSON
    Cyclonedx,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask sbom target/images                               what is in `latest`, for a machine like this
  cargo xtask sbom target/images --tag aarch64 --host arm64v8
  cargo xtask sbom docker.io/aptman/qus:latest --format cyclonedx > qus.cdx.json")]
pub(crate) struct SbomArgs {
    /// A layout's directory, or the name of an image at a registry
    #[arg(value_name = "LAYOUT|REFERENCE")]
    pub(crate) what: String,
    /// The form
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: Format,
    /// The host whose image is meant [default: this machine's]
    #[arg(long, value_name = "HOST", value_parser = named::<Host>(Host::all().map(Host::name)))]
    pub(crate) host: Option<Host>,
    /// The tag that is meant in a layout [default: latest]
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Option<String>,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask cache                          what is there
  cargo xtask cache prune --cache-size 2GiB  make room: what was not used for the longest time goes first
  cargo xtask cache verify                   remove what is damaged; the next build makes it again")]
pub(crate) struct CacheArgs {
    #[command(subcommand)]
    pub(crate) action: Option<CacheAction>,
    /// Where downloads and results are kept [default: $QUS_CACHE_DIR, $XDG_CACHE_HOME/qus, ~/.cache/qus]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum CacheAction {
    /// Remove the least recently used until the cache is within its limit
    Prune {
        /// The most to keep: 500M, 2GiB, none [default: $QUS_CACHE_SIZE, 10GiB]
        #[arg(long, value_name = "SIZE")]
        cache_size: Option<Limit>,
    },
    /// Hash everything that has a digest, and remove what does not match
    Verify,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  cargo xtask notes v1.0 > target/notes.md   what a release's page says")]
pub(crate) struct NotesArgs {
    /// The release's tag: `v` and the version in Cargo.toml
    pub(crate) tag: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn lists_may_have_commas() {
        let parse = |args: &[&str]| {
            let args = ["xtask", "images"].iter().chain(args);
            let Command::Images(args) = Cli::try_parse_from(args).unwrap().command else { unreachable!() };
            let names = args
                .host
                .iter()
                .map(|host| host.name())
                .chain(args.target.iter().map(|target| target.name()));
            names.chain(args.kind.iter().map(|kind| kind.name())).collect::<Vec<_>>().join(" ")
        };
        let commas = ["--host", "amd64,linux/arm64", "--target", "aarch64,arm", "--kind", "pkg,full"];
        assert_eq!(parse(&commas), "amd64 arm64v8 aarch64 arm pkg full");
        assert_eq!(parse(&["--host", "amd64,s390x", "--host", "i386"]), "amd64 s390x i386");
    }

    #[test]
    fn help_lists_hosts_and_kinds() {
        let help = Cli::command().find_subcommand_mut("images").unwrap().render_long_help().to_string();
        // Where a line ends depends on clap's features.
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let hosts: Vec<&str> = Host::all().map(Host::name).collect();
        for expected in [hosts.join(", "), "pkg, register, full, binfmt, run, buildkit".to_owned()] {
            assert!(help.contains(&format!("[possible values: {expected}]")), "{help}");
        }
    }
}
