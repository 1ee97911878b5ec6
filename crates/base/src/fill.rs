//! Parts of pages that are made from the code.

/// `page` with `content` between its markers `<!-- NAME:begin -->` and `<!-- NAME:end -->`. The error says which is missing.
pub fn fill(page: &str, name: &str, content: &str) -> Result<String, String> {
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
    let (before, rest) =
        page.split_once(&begin).ok_or_else(|| format!("there is no {}", begin.trim_end()))?;
    let (_, after) =
        rest.split_once(&end).ok_or_else(|| format!("there is no {end} after {}", begin.trim_end()))?;
    Ok(format!("{before}{begin}\n{}\n\n{end}{after}", content.trim()))
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let page = "a\n<!-- x:begin -->\nold\n<!-- x:end -->\nb\n";
        let filled = fill(page, "x", "new\n").unwrap();
        assert_eq!(filled, "a\n<!-- x:begin -->\n\nnew\n\n<!-- x:end -->\nb\n");
        assert_eq!(fill(&filled, "x", "new").unwrap(), filled);
        for (page, expected) in [
            ("<!-- x:end -->", "there is no <!-- x:begin -->"),
            ("<!-- x:begin -->\n", "there is no <!-- x:end --> after <!-- x:begin -->"),
        ] {
            assert_eq!(fill(page, "x", "").unwrap_err(), expected);
        }
    }
}
