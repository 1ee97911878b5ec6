//! The figures that should be something, as bars: how much of what each may be it is.

use crate::figure::Figure;
use crate::svg::{Anchor, Svg};

const WIDTH: u32 = 860;
const TOP: f64 = 62.0;
const ROW: f64 = 40.0;
/// Where bars begin, and where their target is.
const LEFT: f64 = 330.0;
const GOAL: f64 = 290.0;
/// A bar that would be longer ends here.
const LONGEST: f64 = 1.45;

/// One bar for each figure with a target; the line is the target.
pub(crate) fn draw(figures: &[Figure]) -> String {
    let mut svg = Svg::new(WIDTH);
    svg.text((20.0, 32.0), Anchor::Start, "strong", "Measured, as a share of what is allowed");
    svg.text((LEFT + GOAL + 6.0, 50.0), Anchor::Start, "soft", "target");
    let mut y = TOP;
    for figure in figures {
        let Some(goal) = figure.goal else { continue };
        let used = goal.used(figure.value);
        let value = figure.unit.show(figure.value);
        let (class, middle) = (if goal.is_met(figure.value) { "met" } else { "missed" }, y + ROW / 2.0);
        svg.text((LEFT - 14.0, middle - 1.0), Anchor::End, "", &figure.what);
        svg.text((LEFT - 14.0, middle + 14.0), Anchor::End, "soft", &goal.show(figure.unit));
        svg.bar((LEFT, y + 10.0), (GOAL * LONGEST, ROW - 20.0), "track", "");
        let length = (GOAL * used.min(LONGEST)).max(2.0);
        svg.bar((LEFT, y + 10.0), (length, ROW - 20.0), class, &figure.how);
        svg.text((LEFT + GOAL * LONGEST + 12.0, middle + 5.0), Anchor::Start, "strong", &value);
        y += ROW;
    }
    svg.bar((LEFT + GOAL - 1.0, TOP - 6.0), (2.0, y - TOP + 10.0), "mark", "");
    let height = (y + 18.0).ceil() as u32;
    svg.finish(height, "Benchmarks of qus: each figure as a share of its target")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Goal, Unit};

    #[test]
    fn only_figures_with_targets_are_drawn() {
        let figure = |what: &str, value| Figure::new("a", what, Unit::Seconds, value, "once");
        let text = draw(&[
            figure("plain", 1.0),
            figure("good", 1.0).goal(Goal::AtMost(2.0)),
            figure("bad", 3.0).goal(Goal::AtMost(2.0)),
        ]);
        assert!(!text.contains("plain"));
        assert!(text.contains(r#"width="145.0" height="20.0" class="met""#), "{text}");
        assert!(text.contains(r#"width="420.5" height="20.0" class="missed""#), "{text}");
    }
}
