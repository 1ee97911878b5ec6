//! Ratios of what was measured.

use arch::Target;

use super::works::WORKS;
use super::{Measured, Way};
use crate::figure::{Figure, Goal, Unit, least};

/// No work may be slower with a preferred model than with the default, within what is noise.
const NOT_SLOWER: f64 = 0.98;

/// The speed that interpreters should have with the preferred model, in that of the default.
fn bar(target: Target) -> f64 {
    match target.name() {
        "riscv64" => 3.0,
        "aarch64" => 1.3,
        _ => NOT_SLOWER,
    }
}

/// The figures of one target: each model against the default of the same QEMU, each QEMU against the oldest one, and the newest
/// against no QEMU at all.
pub(super) fn of(title: &str, target: Target, measured: &[Measured]) -> Vec<Figure> {
    let mut figures = Vec::new();
    let default =
        |qemu: &Way| measured.iter().find(|other| other.way.qemu == qemu.qemu && other.way.model.is_none());
    let oldest = measured.iter().find(|other| other.way.qemu.is_some());
    let native = measured.iter().find(|other| other.way.qemu.is_none());
    for one in measured {
        let rounds = one.rounds.iter().map(Vec::len).min().unwrap_or(0);
        let mut figure = |what: &str, base: &Measured, value: fn(&[f64]) -> f64, goal: Option<f64>| {
            let what = format!("{target}, {}: {what}", one.way.name());
            let figure = Figure::new(title, &what, Unit::Times, value(&ratios(base, one)), how(base, one));
            let figure = figure.of(rounds);
            figures.push(match goal {
                Some(goal) => figure.goal(Goal::AtLeast(goal)),
                None => figure,
            });
        };
        let Some(model) = &one.way.model else {
            for (base, what) in
                [(oldest, "interpreters, against the oldest QEMU"), (native, "interpreters, against none")]
            {
                if let Some(base) =
                    base.filter(|base| one.way.qemu.is_some() && base.way.qemu != one.way.qemu)
                {
                    figure(what, base, interpreters, None);
                }
            }
            continue;
        };
        let Some(base) = default(&one.way) else { continue };
        let is_preferred = target.preferred_cpu().is_some_and(|preferred| preferred.name == model);
        figure("interpreters, against the default", base, interpreters, is_preferred.then(|| bar(target)));
        figure("the slowest work, against the default", base, least, is_preferred.then_some(NOT_SLOWER));
    }
    figures
}

/// The geometric mean of the interpreters' ratios.
fn interpreters(ratios: &[f64]) -> f64 {
    let of: Vec<f64> = WORKS
        .iter()
        .zip(ratios)
        .filter(|(work, _)| work.is_interpreter)
        .map(|(_, ratio)| ratio.ln())
        .collect();
    (of.iter().sum::<f64>() / of.len() as f64).exp()
}

fn ratios(base: &Measured, one: &Measured) -> Vec<f64> {
    base.rounds.iter().zip(&one.rounds).map(|(base, one)| least(base) / least(one)).collect()
}

fn how(base: &Measured, one: &Measured) -> String {
    let works = WORKS.iter().zip(base.rounds.iter().zip(&one.rounds));
    let works =
        works.map(|(work, (base, one))| format!("{} {:.2}/{:.2}", work.name, least(base), least(one)));
    format!("{} s", works.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(qemu: Option<&str>, model: Option<&str>, interpreter: f64, other: f64) -> Measured {
        let way = Way { qemu: qemu.map(str::to_owned), model: model.map(str::to_owned), program: Vec::new() };
        let time = |is_interpreter| if is_interpreter { interpreter } else { other };
        Measured { way, rounds: WORKS.iter().map(|work| vec![time(work.is_interpreter), 9.0]).collect() }
    }

    #[test]
    fn each_model_is_held_against_its_qemus_default() {
        let all = [
            measured(None, None, 0.5, 0.5),
            measured(Some("7.2.22"), None, 1.0, 1.0),
            measured(Some("11.1.3"), None, 4.0, 2.0),
            measured(Some("11.1.3"), Some("neoverse-n1"), 2.0, 2.5),
            measured(Some("11.1.3"), Some("cortex-a57"), 2.0, 2.0),
        ];
        let figures = of("emulation", "aarch64".parse().unwrap(), &all);
        let seen: Vec<_> =
            figures.iter().map(|figure| (figure.what.as_str(), figure.value, figure.met())).collect();
        let model = "aarch64, QEMU 11.1.3, `neoverse-n1`: ";
        let other = "aarch64, QEMU 11.1.3, `cortex-a57`: ";
        let expected = [
            ("aarch64, QEMU 7.2.22: interpreters, against none".to_owned(), 0.5, None),
            ("aarch64, QEMU 11.1.3: interpreters, against the oldest QEMU".to_owned(), 0.25, None),
            ("aarch64, QEMU 11.1.3: interpreters, against none".to_owned(), 0.125, None),
            (format!("{model}interpreters, against the default"), 2.0, Some(true)),
            (format!("{model}the slowest work, against the default"), 0.8, Some(false)),
            (format!("{other}interpreters, against the default"), 2.0, None),
            (format!("{other}the slowest work, against the default"), 1.0, None),
        ];
        assert_eq!(seen.len(), expected.len());
        for (seen, expected) in seen.iter().zip(&expected) {
            assert_eq!((seen.0, seen.2), (expected.0.as_str(), expected.2));
            assert!((seen.1 - expected.1).abs() < 1e-9, "{seen:?}");
        }
        assert!(figures[3].how.starts_with("bash 4.00/2.00, perl 4.00/2.00"), "{}", figures[3].how);
        assert_eq!(figures[3].runs, 2);
    }
}
