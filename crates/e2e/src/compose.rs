//! The jobs of the seventeen setups: from a row of facts to commands.

use arch::Host;
use testbed::Package;

use crate::job::{Job, NOT_A_SCRIPT, NOT_REGISTERED, Needs, Root, Step};
use crate::setup::{Method, Place, SETUPS, Setup};
use crate::shop::{self, FILE, FOREIGN, MACHINE, QUS, SYSTEMD_BINFMT};

const PLATFORM: &str = "linux/arm64";

/// The entry of what the jobs run, qus's as well as Debian's.
const ENTRY: &str = "/proc/sys/fs/binfmt_misc/qemu-aarch64";

/// The jobs of all setups on `native`.
pub(super) fn jobs(native: Host) -> Vec<Job> {
    let jobs = |setup: &'static Setup| {
        setup.jobs.iter().map(move |(name, method)| Composer::new(native, setup, *method).job(name))
    };
    SETUPS.iter().flat_map(jobs).collect()
}

struct Composer {
    native: Host,
    setup: &'static Setup,
    method: Method,
    needs: Needs,
    steps: Vec<Step>,
}

impl Composer {
    fn new(native: Host, setup: &'static Setup, method: Method) -> Composer {
        Composer { native, setup, method, needs: Needs::default(), steps: Vec::new() }
    }

    fn job(mut self, name: &str) -> Job {
        self.bring();
        // Nothing runs before it is registered: or else what follows would show nothing.
        self.fails();
        self.register();
        self.run();
        self.remove();
        let image_in_use = matches!(self.method, Method::Full | Method::Image);
        let engines_differ = image_in_use && !self.setup.clear;
        let about = self.setup.about(self.method);
        Job { engines_differ, ..Job::new(name, about, self.needs, self.steps) }
    }

    /// QEMU, `register`, and the foreign program.
    fn bring(&mut self) {
        match self.method {
            Method::Full => self.needs.images.push(shop::image("latest", self.native)),
            Method::Image => self.needs.images.push(shop::image("register", self.native)),
            Method::Program | Method::Distribution => {}
        }
        let mut assets = Vec::new();
        if self.method == Method::Program {
            assets.push(format!("register_{}", self.native));
        }
        let folder = match self.setup.place {
            Place::UsrBin => Some("/usr/bin"),
            Place::Here | Place::Mounted | Place::Copied => Some("."),
            Place::InImage | Place::NativeImage | Place::Installed => None,
        };
        let tarball = format!("{FILE}_{}.tgz", self.native);
        if folder.is_some() {
            assets.push(tarball.clone());
        }
        if !assets.is_empty() {
            shop::assets(&mut self.needs, &mut self.steps, &assets);
        }
        if self.method == Method::Program {
            let to = "/usr/bin/register";
            self.steps.push(Step::succeeds(format!("cp register_{} {to} && chmod 755 {to}", self.native)));
        }
        if let Some(folder) = folder {
            self.steps.push(Step::succeeds(format!("tar -xzf {tarball} -C {folder}")));
        }
        match self.setup.place {
            Place::NativeImage => self.needs.roots.push(Root {
                name: self.native_image(),
                host: self.native,
                packages: vec![shop::busybox_package(self.native), Package::native("sid", "qemu-user")],
            }),
            Place::Installed => self.needs.installed = shop::installed(self.packages()),
            _ => {}
        }
        if !self.setup.on_host() && self.setup.place != Place::NativeImage {
            self.needs.roots.push(shop::busybox(shop::host("arm64v8")));
        }
        if self.setup.place != Place::InImage {
            self.needs.files.push(shop::program(shop::host("arm64v8")));
        }
    }

    /// The things that the distribution has installed.
    fn packages(&self) -> Vec<Package> {
        match self.setup.is_static {
            true => Package::natives("bookworm", "qemu-user-static"),
            // The one recommends the other, so both are there unless somebody says no.
            false => Package::natives("sid", "qemu-user-binfmt qemu-user"),
        }
    }

    fn native_image(&self) -> String {
        format!("{}/qemu-user", self.native)
    }

    fn register(&mut self) {
        if self.setup.place == Place::Installed {
            self.steps.push(Step::succeeds(SYSTEMD_BINFMT));
        }
        if self.method == Method::Distribution {
            return;
        }
        if self.setup.clear {
            self.clear();
        }
        let is_static = if self.setup.is_static { "-s " } else { "" };
        let persistent = if self.setup.persistent { "-p " } else { "" };
        let says = format!("as binfmt interpreter for {MACHINE}");
        let line = self.call(&format!("{is_static}-- {persistent}{MACHINE}"));
        self.steps.push(Step::contains(line, &says));
        if self.setup.clear {
            let file = if self.setup.is_static { FILE } else { "qemu-aarch64" };
            self.steps.push(Step::prints(format!("cat {ENTRY}"), &format!("interpreter /usr/bin/{file}")));
        }
    }

    /// Removes what the distribution has registered. Its entries are not qus's, and go with `--force`.
    fn clear(&mut self) {
        self.steps.push(Step::prints(format!("cat {ENTRY}"), "enabled"));
        self.steps.push(Step::succeeds(self.call("-- -r --force")));
        self.steps.push(Step::succeeds(format!("test ! -e {ENTRY}")));
        self.fails();
    }

    /// The foreign program, while nothing is registered.
    fn fails(&mut self) {
        let says = if self.setup.on_host() { NOT_A_SCRIPT } else { NOT_REGISTERED };
        self.steps.push(Step::fails(self.direct(FOREIGN), says));
    }

    /// The command that calls `register` with `arguments`.
    fn call(&self, arguments: &str) -> String {
        let here = self.setup.place == Place::Here;
        match self.method {
            Method::Program if here => format!("QEMU_BIN_DIR=$(pwd) register {arguments}"),
            Method::Program | Method::Distribution => format!("register {arguments}"),
            Method::Full => format!("docker run --rm --privileged {QUS} {arguments}"),
            Method::Image => {
                let dir = if here { "$(pwd)" } else { "/usr/bin" };
                // The kernel opens the binary from the container that registers it.
                let mount = if self.setup.persistent { format!(" -v {dir}:{dir}") } else { String::new() };
                format!(
                    "docker run --rm --privileged -e QEMU_BIN_DIR={dir}{mount} {QUS}:register {arguments}"
                )
            }
        }
    }

    /// Runs the foreign program from `image`, and lets the kernel find QEMU.
    fn direct(&self, image: &str) -> String {
        if self.setup.on_host() {
            return "./busybox uname -m".to_owned();
        }
        if self.setup.place == Place::NativeImage {
            let platform = self.native.platform().to_string();
            return shop::run(&platform, "-v $(pwd):/src", &self.native_image(), "/src/busybox uname -m");
        }
        shop::run(PLATFORM, &self.mount(), image, "uname -m")
    }

    /// The foreign container's mount of QEMU.
    fn mount(&self) -> String {
        if self.setup.place == Place::Mounted {
            format!("-v $(pwd)/{FILE}:/usr/bin/{FILE}")
        } else if self.setup.volume {
            format!("-v /usr/bin/{FILE}:/usr/bin/{FILE}")
        } else {
            String::new()
        }
    }

    /// Runs the foreign program directly, explicitly, and while an image is built.
    fn run(&mut self) {
        if self.setup.place == Place::Copied {
            let dockerfile = format!("FROM {FOREIGN}\nCOPY {FILE} /usr/bin/\nRUN uname -m > /machine");
            shop::build(&mut self.steps, PLATFORM, &dockerfile);
            self.prints(shop::run(PLATFORM, "", "built", "cat /machine"));
            self.prints(self.direct("built"));
        } else {
            self.prints(self.direct(FOREIGN));
        }
        if let Some(explicit) = self.explicit() {
            self.prints(explicit);
        }
        self.build();
    }

    fn prints(&mut self, command: String) {
        self.steps.push(Step::prints(command, MACHINE));
    }

    /// Runs the foreign program as QEMU's argument: in its container if QEMU is there, or else on the host.
    fn explicit(&self) -> Option<String> {
        match self.setup.place {
            Place::InImage => None,
            Place::UsrBin => Some(format!("{FILE} ./busybox uname -m")),
            Place::Here => Some(format!("./{FILE} ./busybox uname -m")),
            Place::Mounted => Some(self.explicit_inside(FOREIGN)),
            Place::Copied => Some(self.explicit_inside("built")),
            Place::NativeImage => {
                let platform = self.native.platform().to_string();
                let command = format!("qemu-{MACHINE} /src/busybox uname -m");
                Some(shop::run(&platform, "-v $(pwd):/src", &self.native_image(), &command))
            }
            Place::Installed if self.setup.volume => Some(self.explicit_inside(FOREIGN)),
            Place::Installed if self.setup.is_static => Some(format!("{FILE} ./busybox uname -m")),
            Place::Installed => Some(format!("qemu-{MACHINE} ./busybox uname -m")),
        }
    }

    fn explicit_inside(&self, image: &str) -> String {
        shop::run(PLATFORM, &self.mount(), image, &format!("{FILE} /bin/busybox uname -m"))
    }

    /// Runs the foreign program in a `RUN` step, where a build's containers find QEMU.
    fn build(&mut self) {
        let (platform, dockerfile) = match self.setup.place {
            Place::Mounted | Place::Copied => return,
            Place::Installed if self.setup.on_host() => return,
            Place::NativeImage => {
                let from = self.native_image();
                let dockerfile =
                    format!("FROM {from}\nCOPY busybox /src/busybox\nRUN /src/busybox uname -m > /machine");
                (self.native.platform().to_string(), dockerfile)
            }
            _ => (PLATFORM.to_owned(), format!("FROM {FOREIGN}\nRUN uname -m > /machine")),
        };
        shop::build(&mut self.steps, &platform, &dockerfile);
        self.prints(shop::run(&platform, "", "built", "cat /machine"));
    }

    /// Takes back what `register` did.
    fn remove(&mut self) {
        if self.method != Method::Distribution {
            self.steps.push(Step::succeeds(self.call("-- -r")));
            self.fails();
        }
    }
}
