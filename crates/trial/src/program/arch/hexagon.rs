//! hexagon: Hexagon Application Binary Interface. The seventh argument is on the stack.

pub use super::newest::*;
pub use super::usual::*;
use crate::language::{global_asm, include_str};

global_asm! { include_str!("hexagon.s"), options(raw) }
