//! A descriptor for a process that has no other way to a file: neither does its root show it, nor may it look into the supervisor.
//! It connects to a socket without a name in the file system, and receives the descriptor.
//!
//! # Safety
//! The message and what it points at are local values that outlive the call; the control buffer is aligned for its header.

#![allow(unsafe_code)]

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

use crate::layout::push;

/// A listener for one descriptor.
#[derive(Debug)]
pub(crate) struct Share {
    listener: UnixListener,
    name: String,
}

impl Share {
    pub(crate) fn new() -> io::Result<Share> {
        // A hasher's keys are the kernel's random bytes: nobody takes the name before.
        let name = format!("qus-run-{:016x}", RandomState::new().build_hasher().finish());
        let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        listener.set_nonblocking(true)?;
        Ok(Share { listener, name })
    }

    /// The `struct sockaddr_un` to connect to.
    pub(crate) fn address(&self) -> Vec<u8> {
        let mut address = libc::sa_family_t::try_from(libc::AF_UNIX).unwrap_or(1).to_ne_bytes().to_vec();
        address.push(0);
        address.extend_from_slice(self.name.as_bytes());
        address
    }

    /// Sends a descriptor to the process that has connected.
    pub(crate) fn send(&self, file: BorrowedFd<'_>) -> io::Result<()> {
        let (stream, _) = self.listener.accept()?;
        send(&stream, file)
    }
}

/// `struct cmsghdr` and a descriptor behind it, as `CMSG_SPACE` lays them out.
#[repr(C)]
struct Control {
    header: libc::cmsghdr,
    descriptor: RawFd,
}

fn send(stream: &UnixStream, file: BorrowedFd<'_>) -> io::Result<()> {
    let mut byte = [0_u8];
    let mut vector = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    // SAFETY: all of it are numbers and pointers, for which zero is a value. Some have padding that has no name.
    let mut control: Control = unsafe { std::mem::zeroed() };
    control.header.cmsg_level = libc::SOL_SOCKET;
    control.header.cmsg_type = libc::SCM_RIGHTS;
    control.descriptor = file.as_raw_fd();
    let length = std::mem::offset_of!(Control, descriptor) + size_of::<RawFd>();
    #[allow(clippy::useless_conversion, reason = "its type differs between libraries")]
    {
        control.header.cmsg_len = length.try_into().unwrap_or_default();
    }
    // SAFETY: as above.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut vector;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    #[allow(clippy::useless_conversion, reason = "its type differs between libraries")]
    {
        message.msg_controllen = size_of::<Control>().try_into().unwrap_or_default();
    }
    // SAFETY: see the module.
    let sent = unsafe { libc::sendmsg(stream.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The data that a process needs in its memory to receive a descriptor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Inbox {
    pub(crate) bytes: Vec<u8>,
    /// The address of `struct msghdr`.
    pub(crate) message: u64,
    /// The position of the descriptor's number in what the process has received, from the beginning.
    pub(crate) descriptor: u64,
}

impl Inbox {
    /// To be written at `base`, a multiple of 16, for pointers of `pointer` bytes.
    pub(crate) fn new(pointer: usize, base: u64) -> Inbox {
        let width = pointer as u64;
        // One byte of data in 16, the control message in 32 (`CMSG_SPACE(4)` is 24, or 16 with narrow pointers), the vector, and
        // the message.
        let (data, control, vector) = (base, base + 16, base + 48);
        let message = vector + 2 * width;
        let mut bytes = vec![0; 48];
        let room = if pointer == 8 { 24 } else { 16 };
        for value in [data, 1, 0, 0, vector, 1, control, room, 0] {
            push(&mut bytes, value, pointer);
        }
        Inbox { bytes, message, descriptor: control + width + 8 }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::{AsFd, FromRawFd, OwnedFd};

    use super::*;

    /// The calls that a process of this machine is made to do, in this one.
    #[test]
    fn a_descriptor_arrives_through_raw_calls() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "text").unwrap();
        let file = File::open(&path).unwrap();
        let share = Share::new().unwrap();
        let address = share.address();
        // SAFETY: the buffers are local, and as long as what is passed.
        unsafe {
            let socket = libc::socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
            assert!(socket >= 0);
            let length = libc::socklen_t::try_from(address.len()).unwrap();
            assert_eq!(libc::connect(socket, address.as_ptr().cast(), length), 0);
            share.send(file.as_fd()).unwrap();
            let mut memory = vec![0_u8; 256];
            let start = memory.as_ptr() as u64;
            let base = start.next_multiple_of(16);
            let offset = usize::try_from(base - start).unwrap();
            let inbox = Inbox::new(size_of::<usize>(), base);
            memory[offset..offset + inbox.bytes.len()].copy_from_slice(&inbox.bytes);
            let message: *mut libc::msghdr =
                std::ptr::with_exposed_provenance_mut(usize::try_from(inbox.message).unwrap());
            memory.as_ptr().expose_provenance();
            assert_eq!(libc::recvmsg(socket, message, libc::MSG_CMSG_CLOEXEC | libc::MSG_DONTWAIT), 1);
            let at = usize::try_from(inbox.descriptor - start).unwrap();
            let number = i32::from_ne_bytes(memory[at..at + 4].try_into().unwrap());
            let mut text = String::new();
            File::from(OwnedFd::from_raw_fd(number)).read_to_string(&mut text).unwrap();
            assert_eq!(text, "text");
            libc::close(socket);
        }
    }
}
