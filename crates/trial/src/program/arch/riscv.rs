//! riscv32 and riscv64: RISC-V ABIs Specification.

pub use super::newest::*;
pub use super::usual::*;
use crate::language::{global_asm, include_str};

global_asm! { include_str!("riscv.s"), options(raw) }
