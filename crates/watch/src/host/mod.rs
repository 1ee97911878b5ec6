//! The differences between machines: the registers by which a system call is seen, changed, made again and answered.
//!
//! Each host has a file with its ABIs and its `Registers`, which have the same methods everywhere.

#[cfg_attr(target_arch = "x86_64", path = "amd64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "arm64v8.rs")]
#[cfg_attr(target_arch = "s390x", path = "s390x.rs")]
mod imp;

pub(crate) use imp::{ABIS, Registers};

/// `NT_PRSTATUS`, the set of general registers (include/uapi/linux/elf.h).
const GENERAL: usize = 1;

/// The result of a system call as a number or an error, out of a register with `pointer` bytes.
fn result(register: u64, pointer: usize) -> Result<u64, rustix::io::Errno> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "registers have no sign")]
    let signed = if pointer == 4 { i64::from(register as u32 as i32) } else { register as i64 };
    // The kernel's own codes for calls to be made again are among them (include/linux/errno.h, up to 530).
    if (-4095..0).contains(&signed) {
        let code = i32::try_from(-signed).unwrap_or(libc::EIO);
        return Err(rustix::io::Errno::from_raw_os_error(code));
    }
    Ok(if pointer == 4 { register & 0xffff_ffff } else { register })
}

/// The register that stands for an error.
fn failure(errno: rustix::io::Errno) -> u64 {
    i64::from(-errno.raw_os_error()).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn results_and_errors() {
        assert_eq!(result(5, 8), Ok(5));
        assert_eq!(result(failure(Errno::NOENT), 8), Err(Errno::NOENT));
        assert_eq!(result(failure(Errno::NOENT) & 0xffff_ffff, 4), Err(Errno::NOENT));
        assert_eq!(result(0xffff_fffe, 8), Ok(0xffff_fffe));
        // An address in the upper half of 32 bits.
        assert_eq!(result(0xf7fd_0000, 4), Ok(0xf7fd_0000));
        assert_eq!(result(0xffff_ffff_f7fd_0000, 4), Ok(0xf7fd_0000));
    }
}
