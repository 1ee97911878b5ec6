//! Inputs that grow from seeds.

use fastrand::Rng;

/// The largest input, in bytes.
const SIZE: usize = 64 << 10;

/// Bytes that lengths and numbers are made of.
const ODD: [&[u8]; 10] =
    [b"\0", b"\xff", b"\x7f", b"\x80\0\0\0", b"\xff\xff\xff\xff", b"9999999999", b"-1", b"\n", b"..", b"%2e"];

/// One of the seeds, changed up to seven times.
pub(crate) fn grown(rng: &mut Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = rng.choice(seeds).unwrap().clone();
    let other = rng.choice(seeds).unwrap();
    for _ in 0..rng.u8(1..8) {
        change(rng, &mut bytes, other);
    }
    bytes
}

/// One change: a flipped bit, an odd value, a piece removed, doubled, or taken from another input.
fn change(rng: &mut Rng, bytes: &mut Vec<u8>, other: &[u8]) {
    let place = rng.usize(..=bytes.len());
    let end = (place + rng.usize(..=16.min(bytes.len() - place))).min(bytes.len());
    match rng.u8(..6) {
        0 if place < bytes.len() => bytes[place] ^= 1 << rng.u8(..8),
        1 => {
            let odd = rng.choice(ODD).unwrap();
            bytes.splice(place..(place + odd.len()).min(bytes.len()), odd.iter().copied()).for_each(drop);
        }
        2 => bytes.splice(place..place, rng.choice(ODD).unwrap().iter().copied()).for_each(drop),
        3 => bytes.drain(place..end).for_each(drop),
        4 => {
            let piece = bytes[place..end].repeat(rng.usize(1..64));
            bytes.splice(place..place, piece).for_each(drop);
        }
        _ => {
            let from = rng.usize(..=other.len());
            bytes.truncate(place);
            bytes.extend_from_slice(&other[from..]);
        }
    }
    bytes.truncate(SIZE);
}
