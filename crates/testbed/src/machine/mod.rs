//! Machines with kernels of their own: QEMU's system emulation with one of Debian's kernels and an initramfs, in a sandbox.
//!
//! The sandbox has what QEMU needs, and ends it: nothing stays when the value is dropped, or this process killed. A machine has
//! no disk and no network; what it prints on its console is all that comes out.
//!
//! Everything is emulated, also where `/dev/kvm` is there. That says nothing about whether a guest gets anywhere: inside of a
//! virtual machine that has it, QEMU ended by an assertion with the machine's own processor (an MSR that it could not set), and
//! with `qemu64` nothing came after SeaBIOS.

mod hardware;
mod initramfs;
mod kernel;

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

pub use hardware::Hardware;
pub use initramfs::Initramfs;
pub use kernel::Kernel;

use crate::console::Console;
use crate::packages::{Package, Packages};
use crate::sandbox::{Options, SHARED, Sandbox};
use crate::{Error, output};

/// The suite that QEMU comes from: the oldest with a package for each machine.
const SUITE: &str = "trixie";

/// The packages that every emulator needs: QEMU's firmware and keymaps, and the libraries that `ldd` says it loads.
const LIBRARIES: &str = "
    qemu-system-common qemu-system-data libaio1t64 libatomic1 libblkid1 libbpf1 libc6 libcap2 libcapstone5
    libdaxctl1 libelf1t64 libfdt1 libffi8 libfuse3-4 libglib2.0-0t64 libgmp10 libgnutls30t64 libhogweed6t64
    libibverbs1 libidn2-0 libjpeg62-turbo libkmod2 libmount1 libndctl6 libnettle8t64 libnl-3-200
    libnl-route-3-200 libnuma1 libp11-kit0 libpcre2-8-0 libpixman-1-0 libpmem1 libpng16-16t64 librdmacm1t64
    libsasl2-2 libseccomp2 libselinux1 libslirp0 libssl3t64 libtasn1-6 libudev1 libunistring5 liburing2
    libuuid1 libvdeplug2t64 libzstd1 zlib1g";

/// The file in the sandbox that holds the initramfs.
const INITRAMFS: &str = "initramfs";

/// A machine that runs. Dropping it ends it.
#[derive(Debug)]
pub struct Machine {
    child: Child,
    console: Console,
    end: Instant,
    limit: Duration,
    name: String,
    // Ends QEMU; after what reads from it.
    sandbox: Sandbox,
}

/// A machine before it is started: its sandbox is there, for the initramfs to be written.
#[derive(Debug)]
pub struct Prepared {
    hardware: Hardware,
    kernel: PathBuf,
    name: String,
    sandbox: Sandbox,
}

impl Prepared {
    /// Brings QEMU and makes a sandbox with it and with `kernel`.
    pub fn new(packages: &Packages, hardware: Hardware, kernel: &Kernel) -> Result<Prepared, Error> {
        let libraries = packages.tree("machine", &Package::natives(SUITE, LIBRARIES))?;
        let emulator = Package::natives(SUITE, hardware.packages);
        let emulator = packages.tree(&emulator[0].name, &emulator)?;
        let trees = vec![&emulator, &libraries, kernel.tree()];
        let sandbox = Sandbox::start(packages, &Options { trees, ..Options::default() })?;
        let name = format!("{} with Linux {}", hardware.host, kernel.release());
        Ok(Prepared { hardware, kernel: Path::new("/").join(kernel.image()?), name, sandbox })
    }

    /// The sandbox.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The file for the initramfs.
    pub fn initramfs(&self) -> Result<Initramfs<BufWriter<File>>, Error> {
        let path = self.sandbox.shared().join(INITRAMFS);
        let file = File::create(&path).map_err(Error::file("create", &path))?;
        Ok(Initramfs::new(BufWriter::new(file)))
    }

    /// Starts the machine; it has `limit` until its end.
    pub fn start(self, limit: Duration) -> Result<Machine, Error> {
        let initramfs = Path::new(SHARED).join(INITRAMFS);
        let argv = self.hardware.command(&self.kernel.to_string_lossy(), &initramfs.to_string_lossy());
        let spawn = |cause| Error::Spawn { command: argv.join(" "), cause };
        let mut command = self.sandbox.command(&argv[0]);
        command.args(&argv[1..]);
        let (child, console) = Console::spawn(command).map_err(spawn)?;
        let Prepared { name, sandbox, .. } = self;
        Ok(Machine { child, console, end: Instant::now() + limit, limit, name, sandbox })
    }
}

impl Machine {
    /// The next line of its console; `None` after the last.
    pub fn line(&mut self) -> Result<Option<String>, Error> {
        let left = self.end.saturating_duration_since(Instant::now());
        self.console.line(left).map_err(|_| self.slow())
    }

    /// Waits until it has ended, and gives QEMU's exit status.
    pub fn end(&mut self) -> Result<ExitStatus, Error> {
        while self.line()?.is_some() {}
        let left = self.end.saturating_duration_since(Instant::now());
        let spawn = |cause| Error::Spawn { command: self.name.clone(), cause };
        let ended = output::wait(&mut self.child, left).map_err(spawn)?;
        ended.ok_or_else(|| self.slow())
    }

    fn slow(&self) -> Error {
        Error::Slow { command: self.name.clone(), limit: self.limit, printed: self.tail() }
    }

    /// The last lines of its console.
    pub fn tail(&self) -> String {
        self.console.tail()
    }

    /// The sandbox that it runs in.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The sandbox ends QEMU; this is the way into it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
