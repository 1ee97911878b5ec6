//! The memory of a thread that is stopped.
//!
//! # Safety
//! The local buffers that the kernel is pointed at outlive the calls; addresses in the other process are the kernel's to check.

#![allow(unsafe_code)]

use rustix::io::Errno;

use crate::ptrace::{self, Tid, last_error};

/// No path is longer (`PATH_MAX`).
const LONGEST_PATH: usize = 4096;
/// More arguments than the kernel takes: each needs a pointer and a NUL of the 6 MB that they may have together (execve(2)).
const MOST_ARGUMENTS: usize = 1 << 20;
const PAGE: u64 = 4096;
const WORD: usize = size_of::<usize>();

/// Reads at `address`: as much as there is, at least one byte.
///
/// # Errors
/// EPERM, if the process may not be looked into, as after a change of its user; EFAULT, if there is no memory.
fn read(tid: Tid, address: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
    let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let at = usize::try_from(address).map_err(|_| Errno::FAULT)?;
    let remote = libc::iovec { iov_base: std::ptr::without_provenance_mut(at), iov_len: buffer.len() };
    // SAFETY: see the module.
    let read = unsafe { libc::process_vm_readv(tid, &raw const local, 1, &raw const remote, 1, 0) };
    match usize::try_from(read) {
        Ok(read @ 1..) => return Ok(read),
        Ok(0) => return Err(Errno::FAULT),
        Err(_) if last_error() == Errno::FAULT => return Err(Errno::FAULT),
        Err(_) => {}
    }
    // A tracer may do this where the call above asks for more rights.
    let mut done = 0;
    for chunk in buffer.chunks_mut(WORD) {
        match ptrace::peek(tid, address.wrapping_add(done as u64)) {
            Ok(word) => chunk.copy_from_slice(&word[..chunk.len()]),
            Err(_) if done > 0 => break,
            // ptrace has one error for both.
            Err(_) => return Err(Errno::PERM),
        }
        done += chunk.len();
    }
    Ok(done)
}

/// Writes all of `bytes` at `address`.
pub(crate) fn write(tid: Tid, address: u64, bytes: &[u8]) -> Result<(), Errno> {
    let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let at = usize::try_from(address).map_err(|_| Errno::FAULT)?;
    let remote = libc::iovec { iov_base: std::ptr::without_provenance_mut(at), iov_len: bytes.len() };
    // SAFETY: see the module.
    let written = unsafe { libc::process_vm_writev(tid, &raw const local, 1, &raw const remote, 1, 0) };
    if usize::try_from(written) == Ok(bytes.len()) {
        return Ok(());
    }
    let (words, rest) = bytes.as_chunks::<WORD>();
    let mut at = address;
    for word in words {
        ptrace::poke(tid, at, *word)?;
        at += WORD as u64;
    }
    if !rest.is_empty() {
        let mut word = ptrace::peek(tid, at)?;
        word[..rest.len()].copy_from_slice(rest);
        ptrace::poke(tid, at, word)?;
    }
    Ok(())
}

/// The string at `address`, a path.
pub(crate) fn path(tid: Tid, address: u64) -> Result<Vec<u8>, Errno> {
    let mut path = Vec::new();
    let mut buffer = [0; 256];
    while path.len() < LONGEST_PATH {
        let at = address.wrapping_add(path.len() as u64);
        // Never over a page's end, for the next may not be there.
        let room = usize::try_from(PAGE - at % PAGE).unwrap_or(buffer.len()).min(buffer.len());
        let read = read(tid, at, &mut buffer[..room])?;
        match buffer[..read].iter().position(|byte| *byte == 0) {
            Some(end) => {
                path.extend_from_slice(&buffer[..end]);
                return Ok(path);
            }
            None => path.extend_from_slice(&buffer[..read]),
        }
    }
    Err(Errno::NAMETOOLONG)
}

/// True if the string at `address` begins with `start`; false, if it cannot be read that far.
pub(crate) fn begins_with(tid: Tid, address: u64, start: &[u8]) -> bool {
    let mut buffer = [0; 64];
    let mut rest = start;
    while !rest.is_empty() {
        let at = address.wrapping_add((start.len() - rest.len()) as u64);
        let room = usize::try_from(PAGE - at % PAGE).unwrap_or(1).min(rest.len()).min(buffer.len());
        match read(tid, at, &mut buffer[..room]) {
            Ok(read) if rest.starts_with(&buffer[..read]) => rest = &rest[read..],
            _ => return false,
        }
    }
    true
}

/// The number of a descriptor at `address`.
pub(crate) fn descriptor(tid: Tid, address: u64) -> Result<u64, Errno> {
    let mut bytes = [0; 4];
    if read(tid, address, &mut bytes)? < bytes.len() {
        return Err(Errno::FAULT);
    }
    Ok(number(&bytes))
}

/// The pointers at `address`, of `width` bytes each, up to a null; none if `address` is null itself.
pub(crate) fn pointers(tid: Tid, address: u64, width: usize) -> Result<Vec<u64>, Errno> {
    let mut pointers = Vec::new();
    let mut buffer = [0; 4096];
    let mut at = address;
    while address != 0 && pointers.len() < MOST_ARGUMENTS {
        let left = usize::try_from(PAGE - at % PAGE).unwrap_or(width);
        // A pointer that crosses a page's end is read by itself.
        let room = (left / width * width).max(width);
        let read = read(tid, at, &mut buffer[..room])? / width * width;
        if read == 0 {
            return Err(Errno::FAULT);
        }
        for bytes in buffer[..read].chunks_exact(width) {
            match number(bytes) {
                0 => return Ok(pointers),
                pointer => pointers.push(pointer),
            }
        }
        at += read as u64;
    }
    if address == 0 { Ok(pointers) } else { Err(Errno::TOOBIG) }
}

/// A number in this machine's byte order.
fn number(bytes: &[u8]) -> u64 {
    let fold = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
    if cfg!(target_endian = "big") { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) }
}
