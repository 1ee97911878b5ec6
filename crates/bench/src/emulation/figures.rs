//! The figures of preferred models: each against its QEMU's own default, and against the best model that is known.

use results::TargetSpeeds;

use super::works::START;
use crate::figure::{Figure, Goal, Unit, least};

/// No work may be slower with a preferred model than with the default, within what is noise; and no start.
const NOT_SLOWER: f64 = 0.98;
const START_NOT_SLOWER: f64 = 0.99;
/// Nor may another model make interpreters faster than this.
const NOT_BEATEN: f64 = 1.05;

/// The speed that interpreters should have with the preferred model, in that of the default.
fn bar(target: &str) -> f64 {
    match target {
        "riscv64" => 3.0,
        "aarch64" => 1.3,
        _ => NOT_SLOWER,
    }
}

/// The figures of one target.
pub(super) fn of(title: &str, speeds: &TargetSpeeds) -> Vec<Figure> {
    let mut figures = Vec::new();
    for way in speeds.preferred() {
        let Some(base) = speeds.default_of(way) else { continue };
        let mut figure = |what: &str, value: f64, goal: Goal, how: String| {
            let what = format!("{}, {}: {what}", speeds.target, way.name());
            let figure = Figure::new(title, &what, Unit::Times, value, how);
            figures.push(figure.of(speeds.rounds).goal(goal));
        };
        let ratios = speeds.ratios(base, way).filter_map(|(work, ratio)| Some((work, ratio?)));
        let ratios: Vec<(&str, f64)> = ratios.collect();
        let named = |(work, ratio): &(&str, f64)| format!("{work} {ratio:.2}");
        let (starts, works): (Vec<_>, Vec<_>) = ratios.into_iter().partition(|(work, _)| *work == START.name);
        let values =
            |ratios: &[(&str, f64)]| least(&ratios.iter().map(|(_, ratio)| *ratio).collect::<Vec<_>>());
        let all = works.iter().map(named).collect::<Vec<_>>().join(", ");
        let interpreters = speeds.interpreters(base, way);
        figure(
            "interpreters, against the default",
            interpreters,
            Goal::AtLeast(bar(&speeds.target)),
            all.clone(),
        );
        figure("the slowest work, against the default", values(&works), Goal::AtLeast(NOT_SLOWER), all);
        let how = format!("{} starts of `true`", START.times);
        figure("start-up, against the default", values(&starts), Goal::AtLeast(START_NOT_SLOWER), how);
        let others =
            speeds.ways.iter().filter(|other| other.qemu == way.qemu && !other.dynamic && *other != way);
        let best = others.map(|other| (speeds.interpreters(way, other), other));
        if let Some((ratio, other)) = best.max_by(|(a, _), (b, _)| a.total_cmp(b)) {
            let what = "interpreters with the best other model, against this";
            figure(what, ratio, Goal::AtMost(NOT_BEATEN), format!("of {}", other.name()));
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulation::works::works;
    use results::{INTERPRETERS, Way};

    fn way(model: Option<&str>, interpreter: f64, other: f64, start: f64) -> Way {
        let time = |work: &str| match work {
            "start-up" => start,
            work if INTERPRETERS.contains(&work) => interpreter,
            _ => other,
        };
        let user: Vec<Option<f64>> = works().map(|work| Some(time(work.name))).collect();
        let (qemu, model) = (Some("11.1.3".to_owned()), model.map(str::to_owned));
        Way { qemu, model, dynamic: false, wall: user.clone(), user }
    }

    #[test]
    fn a_preferred_model_is_held_against_the_default_and_the_best_other() {
        let ways = vec![
            way(None, 4.0, 2.0, 1.0),
            way(Some("neoverse-n1"), 2.0, 2.5, 1.005),
            way(Some("cortex-a57"), 1.8, 2.0, 1.0),
            Way { dynamic: true, ..way(None, 0.1, 0.1, 0.1) },
        ];
        let works = works().map(|work| work.name.to_owned()).collect();
        let speeds =
            TargetSpeeds { target: "aarch64".to_owned(), rounds: 2, works, ways, ..Default::default() };
        let figures = of("emulation", &speeds);
        let expected = [
            ("interpreters, against the default", 2.0, true),
            ("the slowest work, against the default", 0.8, false),
            ("start-up, against the default", 1.0 / 1.005, true),
            ("interpreters with the best other model, against this", 2.0 / 1.8, false),
        ];
        assert_eq!(figures.len(), expected.len());
        for (figure, (what, value, met)) in figures.iter().zip(expected) {
            assert_eq!(figure.what, format!("aarch64, 11.1.3, neoverse-n1: {what}"));
            assert_eq!((figure.met(), figure.runs), (Some(met), 2));
            assert!((figure.value - value).abs() < 1e-9, "{figure:?}");
        }
        assert!(
            figures[0].how.starts_with("bash 2.00, perl 2.00, python3 2.00, gcc 0.80"),
            "{}",
            figures[0].how
        );
        assert_eq!(figures[3].how, "of 11.1.3, cortex-a57");
    }
}
