//! Numbers of things.

/// A number with its noun: `1 host`, `2 hosts`, `0 entries`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn only_one_is_singular() {
        for (number, expected) in [(0, "0 entries"), (1, "1 entry"), (2, "2 entries"), (21, "21 entries")] {
            assert_eq!(count(number, "entry", "entries"), expected);
        }
    }
}
