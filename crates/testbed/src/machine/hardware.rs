//! The machines that QEMU emulates: its program, and its arguments.

use arch::Host;

/// A machine on which one of Debian's kernels boots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hardware {
    pub(super) host: &'static str,
    /// Debian's package of the emulator, and those of the firmware.
    pub(super) packages: &'static str,
    pub(super) program: &'static str,
    /// Arguments for the machine and its processor. The latter can be replaced.
    pub(super) machine: &'static str,
    pub(super) processor: &'static str,
    /// The path of its firmware where QEMU does not find it by itself.
    pub(super) firmware: Option<&'static str>,
    /// Arguments that make stdin and stdout its console.
    pub(super) console: &'static [&'static str],
    /// The kernel's name of the console, and other parameters.
    pub(super) device: &'static str,
    /// In MiB.
    pub(super) memory: u32,
}

/// A kernel that waits for the timer's interrupts and counts too few, as it does on a machine under load, panics.
const PC: &str = "ttyS0 no_timer_check";

const SERIAL: &[&str] = &["-serial", "stdio"];

/// Every machine. Processors are those whose instructions QEMU emulates fast enough and that Debian's kernels run on.
#[rustfmt::skip]
const ALL: [Hardware; 8] = [
    Hardware { host: "amd64", packages: "qemu-system-x86 seabios", program: "qemu-system-x86_64",
        machine: "q35", processor: "qemu64", firmware: None, console: SERIAL, device: PC, memory: 2048 },
    Hardware { host: "i386", packages: "qemu-system-x86 seabios", program: "qemu-system-i386",
        machine: "q35", processor: "qemu32", firmware: None, console: SERIAL, device: PC, memory: 2048 },
    Hardware { host: "arm64v8", packages: "qemu-system-arm", program: "qemu-system-aarch64",
        machine: "virt,gic-version=3", processor: "cortex-a57", firmware: None, console: SERIAL, device: "ttyAMA0", memory: 2048 },
    Hardware { host: "arm32v7", packages: "qemu-system-arm", program: "qemu-system-arm",
        machine: "virt", processor: "cortex-a15", firmware: None, console: SERIAL, device: "ttyAMA0", memory: 2048 },
    Hardware { host: "s390x", packages: "qemu-system-s390x", program: "qemu-system-s390x",
        machine: "s390-ccw-virtio", processor: "max",
        firmware: None, console: &["-chardev", "stdio,id=console", "-device", "sclpconsole,chardev=console"], device: "ttysclp0", memory: 2048 },
    Hardware { host: "ppc64le", packages: "qemu-system-ppc", program: "qemu-system-ppc64",
        machine: "pseries", processor: "power9", firmware: None, console: SERIAL, device: "hvc0", memory: 2048 },
    Hardware { host: "riscv64", packages: "qemu-system-riscv opensbi", program: "qemu-system-riscv64",
        machine: "virt", processor: "rv64", firmware: Some("/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin"),
        console: SERIAL, device: "ttyS0", memory: 2048 },
    Hardware { host: "loong64", packages: "qemu-system-misc qemu-efi-loongarch64", program: "qemu-system-loongarch64",
        machine: "virt", processor: "la464", firmware: Some("/usr/share/qemu-efi-loongarch64/QEMU_EFI.fd"),
        console: SERIAL, device: "ttyS0", memory: 2048 },
];

impl Hardware {
    /// The machine that stands for `host`, if QEMU and Debian have one.
    pub fn of(host: Host) -> Option<Hardware> {
        ALL.into_iter().find(|hardware| hardware.host == host.name())
    }

    /// The same with another processor.
    #[must_use]
    pub fn with_processor(self, processor: &'static str) -> Hardware {
        Hardware { processor, ..self }
    }

    /// The command that boots it.
    pub(super) fn command(&self, kernel: &str, initramfs: &str) -> Vec<String> {
        // Nothing but emergencies from the kernel: the console is for the program that is process 1. A panic ends QEMU.
        let append = format!("console={} loglevel=1 panic=-1", self.device);
        let fixed = format!(
            "-accel tcg -machine {} -cpu {} -smp 1 -m {}M -nodefaults -no-user-config -nographic -no-reboot -nic none",
            self.machine, self.processor, self.memory
        );
        let fixed = [self.program].into_iter().chain(fixed.split(' '));
        let files = ["-kernel", kernel, "-initrd", initramfs, "-append", &append];
        let firmware = self.firmware.iter().flat_map(|path| ["-bios", path]);
        fixed.chain(files).chain(firmware).chain(self.console.iter().copied()).map(str::to_owned).collect()
    }
}
