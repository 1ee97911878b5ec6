//! The CPU models that a QEMU lists.

/// The names in the text of `-cpu help`: a line for each, up to the first empty one, sometimes with a headline.
pub fn models(help: &str) -> Vec<String> {
    let lines = help.lines().take_while(|line| !line.trim().is_empty());
    lines
        .filter(|line| !line.trim_end().ends_with(':'))
        .filter_map(|line| {
            // QEMU 7 has these words in front of each.
            line.split_whitespace().find(|word| !["x86", "s390", "PowerPC"].contains(word))
        })
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_lists_old_and_new() {
        for (text, expected) in [
            ("Available CPUs:\n  cortex-a35\n  max\n", &["cortex-a35", "max"][..]),
            ("any\nrv64\nsifive-u54\n", &["any", "rv64", "sifive-u54"]),
            (
                "Available CPUs:\n  486     (alias)\n  max   Enables\n\nRecognized CPUID flags:\n  3dnow\n",
                &["486", "max"],
            ),
            (
                "Available CPUs:\nx86 486                   (alias)\nx86 max\n\nRecognized CPUID flags:\n  3dnow\n",
                &["486", "max"],
            ),
            ("", &[]),
        ] {
            assert_eq!(models(text), expected, "{text}");
        }
    }
}
