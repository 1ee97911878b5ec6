//! The report as one HTML file that wants nothing from elsewhere.

use anyhow::Context as _;
use base::size;
use minijinja::{AutoEscape, Environment, Value, context};

use crate::matrix::Matrix;

/// The page; everything that is put into it is escaped.
pub fn render(matrix: &Matrix) -> anyhow::Result<String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::SemiStrict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.add_filter("size", size);
    environment.add_filter("seconds", |seconds: f64| format!("{seconds:.2} s"));
    environment.add_filter("times", |times: f64| format!("×{times:.2}"));
    environment.add_template("page", include_str!("page.html")).context("page.html is no template")?;
    let page = environment.get_template("page").context("page.html is no template")?;
    page.render(context! {
        matrix => Value::from_serialize(matrix),
        style => Value::from_safe_string(include_str!("page.css").to_owned()),
        script => Value::from_safe_string(include_str!("page.js").to_owned()),
    })
    .context("cannot render page.html")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::{Cell, Edition, HostColumn, TargetRow};
    use crate::programs::{Chosen, Programs, Qemu, System, Tried, Workload};
    use crate::speed::{Column, Speed, Time, Work};

    #[test]
    fn what_is_put_into_the_page_is_escaped() {
        let hostile = "\"><script>alert('1')</script>".to_owned();
        let text = || hostile.clone();
        let qemu = debian::QemuVersion::of_package("1:11.1.3+ds-1").unwrap();
        let chosen = || Chosen {
            series: text(),
            version: text(),
            reason: "beaten",
            locked: true,
            older: true,
            text: text(),
            stale: vec![text()],
        };
        let cell = Cell {
            edition: 0,
            qemu,
            suite: text(),
            package: text(),
            native: false,
            versions: vec![qemu],
            choice: Some(chosen()),
            size: Some(1),
        };
        let row = TargetRow {
            name: text(),
            names: vec![text(), text()],
            platforms: vec![text()],
            retired: true,
            cells: vec![Some(cell), None],
        };
        let host = HostColumn {
            name: text(),
            platform: text(),
            debian: text(),
            names: vec![text()],
            pkg_tag: Some(text()),
            run_tag: None,
            qemu: text(),
            size: None,
        };
        let edition = Edition { suite: text(), date: text(), qemu, cells: 1 };
        let tried = Qemu {
            series: text(),
            version: text(),
            package: text(),
            stale: true,
            default: true,
            passes: 1,
            tried: 2,
            seconds: Some(1.5),
            times: Some(1.0),
        };
        let outcome = Tried { outcome: results::Outcome::Slow, seconds: Some(4.5), times: Some(3.0) };
        let system = System {
            host: text(),
            target: text(),
            architecture: text(),
            suite: text(),
            qemus: vec![Some(tried), None],
            workloads: vec![Workload { name: text(), outcomes: vec![Some(outcome), None] }],
            choice: Some(chosen()),
        };
        let speed = Speed {
            host: text(),
            target: text(),
            suite: text(),
            date: text(),
            ways: vec![Column { name: text(), times: 1.0 }, Column { name: text(), times: 2.0 }],
            works: vec![Work { name: text(), cells: vec![Some(Time { seconds: 1.5, times: 1.0 }), None] }],
        };
        let matrix = Matrix {
            repository: text(),
            editions: vec![edition],
            hosts: vec![host],
            targets: vec![row],
            programs: Programs { series: vec![text(), text()], systems: vec![system] },
            speeds: vec![speed],
        };
        let page = render(&matrix).unwrap();
        let legend = "<li><span class=\"chip native\">&nbsp;</span> the machine's own: nothing to register</li>\n  </ul>";
        assert!(page.contains(legend), "{page}");
        assert!(!page.contains(&hostile), "{page}");
        assert!(!page.contains("alert('1')"), "{page}");
        // The page's own, and no other.
        assert_eq!(page.matches("<script").count(), 1);
        assert!(page.contains("&lt;script&gt;alert("), "{page}");
    }
}
