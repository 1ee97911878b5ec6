//! What the pictures share: a small SVG document that follows the reader's light or dark colours.

use std::fmt::Write as _;

/// A document under construction.
pub(crate) struct Svg {
    body: String,
    width: u32,
}

/// Which side of a text its position is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    End,
}

impl Svg {
    pub(crate) fn new(width: u32) -> Svg {
        Svg { body: String::new(), width }
    }

    /// A rectangle of a class of the style below, with a text that shows when it is pointed at.
    pub(crate) fn bar(&mut self, at: (f64, f64), size: (f64, f64), class: &str, title: &str) {
        let ((x, y), (width, height)) = (at, size);
        let rect =
            format!(r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" class="{class}""#);
        // Writing to a string cannot fail.
        let _ = if title.is_empty() {
            writeln!(self.body, "{rect}/>")
        } else {
            writeln!(self.body, "{rect}><title>{}</title></rect>", escape(title))
        };
    }

    pub(crate) fn text(&mut self, at: (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::End => "end",
        };
        let ((x, y), text) = (at, escape(text));
        let _ = writeln!(
            self.body,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" class="{class}">{text}</text>"#
        );
    }

    /// The whole document, `height` high; `title` is what it says to those who cannot see it.
    pub(crate) fn finish(self, height: u32, title: &str) -> String {
        let Svg { body, width } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\">\n<title>{}</title>\n<style>\n{}</style>\n\
             <rect width=\"{width}\" height=\"{height}\" rx=\"10\" class=\"paper\"/>\n{body}</svg>\n",
            escape(title),
            include_str!("svg.css"),
        )
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        let mut svg = Svg::new(10);
        svg.text((1.0, 2.0), Anchor::End, "soft", "a < b & c");
        svg.bar((0.0, 0.0), (1.0, 1.0), "met", "\"x\"");
        let text = svg.finish(20, "<t>");
        for part in
            ["a &lt; b &amp; c</text>", "<title>&quot;x&quot;</title></rect>", "<title>&lt;t&gt;</title>"]
        {
            assert!(text.contains(part), "{text}");
        }
    }
}
