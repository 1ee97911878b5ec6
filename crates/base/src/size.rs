//! Sizes.

/// A size for people: `101.9 MB`, in powers of ten as registries show them.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_in_powers_of_ten() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (101_900_000, "101.9 MB"),
            (999_949, "999.9 kB"),
            (999_951, "1.0 MB"),
            (2_100_000_000, "2.1 GB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
