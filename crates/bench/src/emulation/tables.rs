//! The times as tables for the documentation.

use results::{Speeds, TargetSpeeds, Way};

/// The speed of interpreters under each release in that of the oldest, and with a model under the newest.
pub fn releases(speeds: &Speeds) -> String {
    let versions: Vec<&str> =
        speeds.targets.iter().flat_map(TargetSpeeds::defaults).filter_map(|way| way.qemu.as_deref()).fold(
            Vec::new(),
            |mut all, version| {
                all.extend((!all.contains(&version)).then_some(version));
                all
            },
        );
    let newest = versions.last().copied().unwrap_or_default();
    let heads = versions.iter().skip(1).map(|version| format!("QEMU {version}"));
    let mut text =
        line(["target".to_owned()].into_iter().chain(heads).chain([format!("{newest} with a model")]));
    text += &rule(versions.len() + 1);
    for target in &speeds.targets {
        let Some(oldest) = target.defaults().next() else { continue };
        let speed = |way: Option<&Way>| match way {
            Some(way) => format!("{:.2}", target.interpreters(oldest, way)),
            None => String::new(),
        };
        let of = |version: &&str| speed(target.defaults().find(|way| way.qemu.as_deref() == Some(version)));
        let cells = versions.iter().skip(1).map(of);
        let model = target.preferred().rfind(|way| way.qemu.as_deref() == Some(newest));
        text += &line([format!("`{}`", target.target)].into_iter().chain(cells).chain([speed(model)]));
    }
    text
}

/// The speed of each work with a model, in that of the same QEMU without one.
pub fn models(speeds: &Speeds) -> String {
    by_work(speeds, |target| {
        let pair = |way| Some((target.default_of(way)?, way));
        let with_model = target.ways.iter().filter(|way| way.model.is_some());
        with_model.filter_map(pair).map(|(base, way)| (way.name(), base, way)).collect()
    })
}

/// The user time of each work under the static QEMU, in that of the dynamic one of the same version.
pub fn links(speeds: &Speeds) -> String {
    by_work(speeds, |target| {
        let dynamic = target.ways.iter().filter(|way| way.dynamic);
        dynamic.filter_map(|way| Some((way.qemu.clone()?, target.default_of(way)?, way))).collect()
    })
}

/// The user time of each work under QEMU, in that of the machine itself, where it runs the programs.
pub fn native(speeds: &Speeds) -> String {
    by_work(speeds, |target| {
        let native = target.ways.iter().find(|way| way.qemu.is_none());
        let pairs = native.map(|native| target.defaults().map(move |way| (way.name(), way, native)));
        pairs.into_iter().flatten().collect()
    })
}

/// A row of a table: its name, and the two ways of which the first one's times are divided by the other's.
type Row<'a> = (String, &'a Way, &'a Way);

fn by_work<'a>(speeds: &'a Speeds, rows: impl Fn(&'a TargetSpeeds) -> Vec<Row<'a>>) -> String {
    let Some(first) = speeds.targets.first() else { return String::new() };
    let heads = ["target", "QEMU"].into_iter().chain(first.works.iter().map(String::as_str));
    let mut text = line(heads.map(str::to_owned)) + &rule(first.works.len() + 2);
    for target in &speeds.targets {
        for (name, base, way) in rows(target) {
            let ratios = target
                .ratios(base, way)
                .map(|(_, ratio)| ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")));
            text += &line([format!("`{}`", target.target), name].into_iter().chain(ratios));
        }
    }
    text
}

fn line(cells: impl IntoIterator<Item = String>) -> String {
    format!("| {} |\n", cells.into_iter().collect::<Vec<_>>().join(" | "))
}

fn rule(columns: usize) -> String {
    format!("|{}\n", "---|".repeat(columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_divides_what_it_says() {
        let way = |qemu: Option<&str>, model: Option<&str>, user: f64| Way {
            qemu: qemu.map(str::to_owned),
            model: model.map(str::to_owned),
            user: vec![Some(user); 2],
            ..Way::default()
        };
        let mut ways = vec![
            way(None, None, 0.5),
            way(Some("7.2.22"), None, 1.0),
            way(Some("11.1.3"), None, 4.0),
            way(Some("11.1.3"), Some("neoverse-n1"), 2.0),
            Way { dynamic: true, ..way(Some("7.2.22"), None, 1.25) },
        ];
        let works = ["bash", "xz"].map(str::to_owned).into();
        ways[0].user[1] = None;
        let targets =
            vec![TargetSpeeds { target: "aarch64".to_owned(), works, ways, ..TargetSpeeds::default() }];
        let speeds = Speeds { host: "amd64".to_owned(), targets };
        let releases = releases(&speeds);
        assert_eq!(
            releases,
            "| target | QEMU 11.1.3 | 11.1.3 with a model |\n|---|---|---|\n| `aarch64` | 0.25 | 0.50 |\n"
        );
        let head = "| target | QEMU | bash | xz |\n|---|---|---|---|\n";
        assert_eq!(models(&speeds), format!("{head}| `aarch64` | 11.1.3, neoverse-n1 | 2.00 | 2.00 |\n"));
        assert_eq!(links(&speeds), format!("{head}| `aarch64` | 7.2.22 | 0.80 | 0.80 |\n"));
        let rows = "| `aarch64` | 7.2.22 | 2.00 | - |\n| `aarch64` | 11.1.3 | 8.00 | - |\n";
        assert_eq!(native(&speeds), format!("{head}{rows}"));
    }
}
