//! A build of everything from packages that are there, next to the shell flow.

use anyhow::Context as _;
use arch::Host;

use crate::child::Run;
use crate::figure::{Figure, Goal, Unit, least, list};
use crate::flow;
use crate::scratch::with_register;
use crate::suite::Suite;
use builder::cross::Program;

/// The runs, which took turns.
#[derive(Default)]
struct Turns {
    ours: Vec<Run>,
    flows: Vec<Run>,
}

impl Suite<'_> {
    /// Cold builds of everything, against the shell flow.
    pub fn cold(&self, title: &str) -> anyhow::Result<Vec<Figure>> {
        let packages = self.packages()?;
        let amd64: Host = "amd64".parse()?;
        let qemu = self.lock.qemu(amd64).next().context("the lock has no QEMU for amd64")?;
        let mut turns = Turns::default();
        for number in 1..=self.runs {
            let run =
                flow::run(&packages, qemu, &self.scratch.cache(), &self.program(Program::Register, amd64)?)?;
            self.say(number, "shell flow", &run);
            turns.flows.push(run);
            self.scratch.clear()?;
            let run = self.scratch.everything()?;
            self.say(number, "build", &run);
            turns.ours.push(run);
        }
        // The hosts of packages only are built along, and not counted.
        let hosts = with_register(self.lock).len();
        let cores = std::thread::available_parallelism()?.get();
        Ok(figures(title, &turns, hosts as f64, cores as f64))
    }
}

fn figures(title: &str, turns: &Turns, hosts: f64, cores: f64) -> Vec<Figure> {
    let Turns { ours, flows } = turns;
    let runs = ours.len();
    let walls = |runs: &[Run]| runs.iter().map(|run| run.wall).collect::<Vec<_>>();
    let fastest = |runs: &[Run]| least(&walls(runs));
    let (build, flow) = (fastest(ours), fastest(flows));
    let peak = ours.iter().map(|run| run.peak).max().unwrap_or(0);
    let busy = ours.iter().map(|run| run.busy(cores)).fold(0.0, f64::max);
    let figure = |what: &str, unit, value, how: String| Figure::new(title, what, unit, value, how).of(runs);
    let time = |what: &str, runs: &[Run]| {
        figure(what, Unit::Seconds, fastest(runs), format!("least of {}", list(&walls(runs))))
    };
    vec![
        time("cold build, images and tarballs", ours),
        time("shell flow, amd64 alone", flows),
        figure(
            "speed per host, against the shell flow",
            Unit::Times,
            flow / (build / hosts),
            format!("{flow:.2} s / ({build:.2} s / {})", base::count(hosts as usize, "host", "hosts")),
        )
        .goal(Goal::AtLeast(6.0)),
        figure("peak memory of a cold build", Unit::Bytes, peak as f64, "the most of all runs".to_owned())
            .goal(Goal::AtMost(400e6)),
        figure(
            "cores busy in a cold build",
            Unit::Share,
            busy,
            "CPU time / (time x cores), the best run".to_owned(),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_of_the_least_of_each_side() {
        let run = |wall, cpu, peak| Run { wall, cpu, peak, ..Run::default() };
        let turns = Turns {
            ours: vec![run(50.0, 90.0, 7), run(40.0, 72.0, 9)],
            flows: vec![run(30.0, 1.0, 1), run(60.0, 1.0, 1)],
        };
        let figures = figures("cold", &turns, 9.0, 2.0);
        let seen = |what: &str| figures.iter().find(|figure| figure.what == what).unwrap();
        for (what, value, goal, how) in [
            ("cold build, images and tarballs", 40.0, None, "least of 50.00, 40.00 s"),
            (
                "speed per host, against the shell flow",
                6.75,
                Some(Goal::AtLeast(6.0)),
                "30.00 s / (40.00 s / 9 hosts)",
            ),
            ("peak memory of a cold build", 9.0, Some(Goal::AtMost(400e6)), "the most of all runs"),
            ("cores busy in a cold build", 0.9, None, "CPU time / (time x cores), the best run"),
        ] {
            let figure = seen(what);
            assert_eq!((figure.value, figure.goal, figure.how.as_str()), (value, goal, how), "{what}");
            assert_eq!(figure.runs, 2, "{what}");
        }
    }
}
