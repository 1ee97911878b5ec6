//! The report page, made from the real lock and used in a real browser.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::BTreeSet;
use std::path::Path;

use arch::Target;
use builder::{Config, Sizes};
use debian::lock::Lock;
use publish::layout::Layout;
use qus_report::{Matrix, html, markdown};
use results::{Key, Qemu, Results, Speeds};
use serde_json::{Value, json};
use testbed::Packages;
use testbed::browser;
use testbed::sandbox::{Options, Sandbox};

/// The folder of pages in the sandbox.
const PAGES: &str = "/pages";

/// A report in all its forms.
struct Report {
    page: String,
    markdown: String,
    json: Value,
}

impl Report {
    /// Of the committed lock, with sizes if there is a layout to take them from.
    fn make() -> Report {
        let results = Results::parse(include_str!("../../../../images/conformance.toml")).unwrap();
        let speeds = serde_json::from_str(include_str!("../../../../benches/emulation.json")).unwrap();
        let layout =
            std::env::var_os("QUS_TEST_LAYOUT").map(|layout| Layout::open(Path::new(&layout)).unwrap());
        let sizes = layout.map(|layout| Sizes::read(&layout).unwrap()).unwrap_or_default();
        Report::of(&lock(), &sizes, &results, &speeds)
    }

    fn of(lock: &Lock, sizes: &Sizes, results: &Results, speeds: &Speeds) -> Report {
        let config = Config::parse(include_str!("../../../../images/images.toml")).unwrap();
        let choices = results::choices(lock, results, |_, _| None);
        let matrix = Matrix::new(lock, sizes, &config.repository, results, &choices);
        let matrix = matrix.with_speeds(Some(speeds));
        Report {
            page: html(&matrix).unwrap(),
            markdown: markdown(&matrix).unwrap(),
            json: serde_json::to_value(&matrix).unwrap(),
        }
    }

    fn names(&self, key: &str) -> Vec<&str> {
        self.json[key].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
    }
}

fn lock() -> Lock {
    Lock::parse(include_str!("../../../../images/debian.lock")).unwrap()
}

#[test]
fn every_form_has_every_cell() {
    let report = Report::make();
    let (targets, hosts) = (report.names("targets"), report.names("hosts"));
    assert_eq!(targets, Target::current().map(Target::name).collect::<Vec<_>>());
    assert_eq!(hosts, arch::Host::all().map(arch::Host::name).collect::<Vec<_>>());
    let cells = targets.len() * hosts.len();
    let page = &report.page;
    assert_eq!(page.matches(" data-package=\"qemu-user").count(), cells);
    let markdown = &report.markdown;
    for host in arch::Host::all() {
        let tag = if host.has_run() { "`run`" } else { "-" };
        let line = markdown.lines().find(|line| line.starts_with(&format!("| {host} |"))).unwrap();
        assert!(line.ends_with(&format!(" | {tag} |")), "{line}");
        let cell = if host.has_run() { "<td><code>run</code></td></tr>" } else { "<td>–</td></tr>" };
        let row =
            page.lines().find(|line| line.contains(&format!("<tr><th scope=\"row\">{host}</th>"))).unwrap();
        assert!(row.ends_with(cell), "{row}");
    }
    for target in targets {
        let line = markdown.lines().find(|line| line.starts_with(&format!("| **{target}** |"))).unwrap();
        assert_eq!(line.matches('|').count(), hosts.len() + 2, "{line}");
        assert_eq!(line.matches("| -").count(), 0, "{line}");
    }
}

#[test]
fn the_page_wants_nothing_from_elsewhere() {
    let page = Report::make().page;
    for foreign in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("content=\"default-src 'none';"));
}

/// Uses the page in a frame of this size; what a reader sees then.
fn used(sandbox: &Sandbox, size: (u32, u32)) -> Value {
    let hash = "#run=linux%2Farm64&on=s390x&sort=-amd64";
    seen(sandbox, include_str!("report/harness.html"), size, hash)
}

/// The findings of a harness around the page.
fn seen(sandbox: &Sandbox, harness: &str, size: (u32, u32), hash: &str) -> Value {
    let page = harness
        .replace("WIDTH", &size.0.to_string())
        .replace("HEIGHT", &size.1.to_string())
        .replace("HASH", hash);
    sandbox.write(format!("{PAGES}/harness.html"), page).unwrap();
    let document = browser::document(sandbox, &format!("file://{PAGES}/harness.html")).unwrap();
    let seen = document.split_once("<pre id=\"seen\">").unwrap().1.split_once("</pre>").unwrap().0;
    let seen = seen.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    serde_json::from_str(&seen).unwrap_or_else(|error| panic!("{error}: {seen}"))
}

#[test]
fn a_reader_finds_a_combination_in_a_browser() {
    let test = "a_reader_finds_a_combination_in_a_browser";
    let Some(packages) = Packages::for_test(test) else { return };
    let tree = packages.tree("chromium", &browser::packages()).unwrap();
    let sandbox = Sandbox::start(&packages, &Options { trees: vec![&tree], ..Options::default() }).unwrap();
    let report = Report::make();
    sandbox.write(format!("{PAGES}/index.html"), &report.page).unwrap();

    for (width, height) in [(390, 844), (1200, 900), (1400, 900)] {
        let seen = used(&sandbox, (width, height));
        // Nothing hangs over: the page is as wide as its window.
        assert_eq!(seen["width"], json!([width, width]), "at {width}");
        check_use(&report, &seen);
    }
}

/// The findings of the harness, at any width.
fn check_use(report: &Report, seen: &Value) {
    let register =
        |target: &str| format!("docker run --rm --privileged aptman/qus:{target} -s -- -p {target}");
    assert_eq!(seen["hash"], json!(["linux/arm64", "s390x", register("aarch64")]));
    for (text, expected) in [
        // Also armeb's big brother, one of whose names is arm64be. Sorted by size, the largest first, or by name.
        ("arm64", &["aarch64", "aarch64_be"][..]),
        ("linux/arm64", &["aarch64", "aarch64_be"]),
        ("aarch64", &["aarch64", "aarch64_be"]),
        ("Linux/ARM/v7", &["arm"]),
        ("riscv64, s390x", &["riscv64", "s390x"]),
        ("vax", &[]),
    ] {
        let rows: BTreeSet<&str> = strings(&seen["run"][text]).into_iter().collect();
        assert_eq!(rows, expected.iter().copied().collect(), "{text}");
    }
    assert_eq!(seen["none"], json!(["No target is called “vax”.", true]));
    assert_eq!(seen["on"], json!({"x86_64": ["amd64"], "armhf": ["arm32v7"], "linux/ppc64le": ["ppc64le"]}));
    assert_eq!(seen["picked"], json!(register("aarch64")));
    let (target, host) = (report.names("targets"), report.names("hosts"));
    let place = |names: &[&str], name: &str| names.iter().position(|other| *other == name).unwrap();
    let cell = &report.json["targets"][place(&target, "aarch64")]["cells"][place(&host, "amd64")];
    let mut versions: Vec<String> = strings(&cell["versions"]).into_iter().map(str::to_owned).collect();
    // Debian's older suites have others, by the lock's series.
    assert!(versions.len() > 1, "{versions:?}");
    let oldest = versions.last().unwrap().clone();
    versions[0].push_str(", the newest");
    assert_eq!(seen["versions"], json!(versions));
    assert_eq!(seen["older"], json!(register("aarch64").replace(":aarch64", &format!(":d{oldest}-aarch64"))));
    assert_eq!(seen["address"], json!("#run=linux%2Farm64&on=x86_64&sort=-amd64"));
    let (targets, hosts) = (report.names("targets"), report.names("hosts"));
    assert_eq!(seen["all"], json!([targets.len(), hosts.len(), null]));
    let copy = "COPY --from=aptman/qus:mips-pkg /usr/bin/qemu-s390x-static /usr/bin/";
    assert_eq!(seen["clicked"], json!([copy, "true"]));

    assert_eq!(seen["down"], json!([targets[0], "ascending"]));
    let sizes: Vec<u64> = strings(&seen["bySize"]).into_iter().filter_map(|size| size.parse().ok()).collect();
    assert!(sizes.is_sorted(), "{sizes:?}");
    let with_sizes = report.json["targets"][0]["cells"][0].get("size").is_some();
    assert_eq!(sizes.len(), if with_sizes { targets.len() } else { 0 });
    let none = vec!["none"; hosts.len() - 1].join(" ");
    assert_eq!(seen["sorted"], json!(format!("none ascending {none}")));
    assert_eq!(strings(&seen["again"]), targets);
    // From aarch64 on amd64: one to the right, one down.
    assert_eq!(seen["arrows"], json!([targets[1], 2, 1]));
}

/// A report of the committed lock, of which one target is taken from an older QEMU by results, and another has two that both fail
/// at something.
fn with_results() -> Report {
    let lock = lock().without_choices();
    let mut all = Results::default();
    for (target, architecture, broken) in
        [("i386", "i386", "bookworm"), ("riscv64", "riscv64", "none"), ("arm", "armhf", "all")]
    {
        let (host, target) = ("amd64".parse().unwrap(), target.parse().unwrap());
        let key = Key { host, target, architecture: architecture.to_owned(), suite: "bookworm".to_owned() };
        let mut record = |series: &str, version: &str, workload: &str, cell: &str| {
            let of_series = if series == "newest" { lock.newest() } else { lock.of_series(series) };
            let package = of_series.cell(host, target).unwrap().version.clone();
            let qemu = Qemu { version: version.to_owned(), package };
            all.record(&key, &series.parse().unwrap(), &qemu, workload, cell.parse().unwrap());
        };
        for workload in ["bash", "python3-processes", "compressors"] {
            record("bookworm", "7.2.22", workload, "pass 1.25");
            record("trixie", "10.0.13", workload, "slow 4.50");
            record("newest", "11.1.3", workload, "pass 2.50");
        }
        for (workload, [old, middle, new]) in match broken {
            // Only an older one passes everything.
            "none" => {
                vec![("node", ["absent", "absent", "absent"]), ("git", ["pass 3.00", "pass 3.00", "crash"])]
            }
            "all" => vec![("git", ["hang", "wrong", "hang"])],
            _ => {
                vec![("git", ["pass 3.00", "crash", "crash"]), ("mmap", ["wrong", "pass 1.00", "pass 1.00"])]
            }
        } {
            record("bookworm", "7.2.22", workload, old);
            record("trixie", "10.0.13", workload, middle);
            record("newest", "11.1.3", workload, new);
        }
    }
    let chosen = results::choices(&lock, &all, |_, _| None).lock(&lock).unwrap();
    let speeds = serde_json::from_str(include_str!("report/speeds.json")).unwrap();
    Report::of(&chosen, &Sizes::default(), &all, &speeds)
}

const BEATEN: &str = "10.0.13 (trixie) passes all that 11.1.3 (newest) passes, and git, at which that fails";
const UNDECIDED: &str = "7.2.22 (bookworm) passes git, at which 11.1.3 (newest) fails, and fails at mmap";

#[test]
fn results_are_in_every_form_with_the_choice_and_its_reason() {
    let report = with_results();
    let programs = &report.json["programs"];
    assert_eq!(programs["series"], json!(["bookworm", "trixie", "newest"]));
    let systems = programs["systems"].as_array().unwrap();
    let of = |key: &str| systems.iter().map(|system| system[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("target"), ["arm", "i386", "riscv64"]);
    let choices: Vec<_> = systems.iter().map(|system| &system["choice"]).collect();
    let all = |key: &str| choices.iter().map(|choice| choice[key].clone()).collect::<Vec<_>>();
    assert_eq!(all("reason"), ["unbeaten", "undecided", "beaten"]);
    assert_eq!(all("older"), [false, false, true]);
    assert_eq!(all("version"), ["11.1.3", "11.1.3", "10.0.13"]);
    assert_eq!(all("text")[1..], [UNDECIDED, BEATEN]);
    // By what all pass: 3.75, 13.5 and 7.5 s.
    let qemu = |key: &str| {
        systems[0]["qemus"].as_array().unwrap().iter().map(|qemu| qemu[key].clone()).collect::<Vec<_>>()
    };
    assert_eq!((qemu("passes"), qemu("tried")), (vec![json!(3); 3], vec![json!(4); 3]));
    assert_eq!(
        (qemu("seconds"), qemu("times")),
        (vec![json!(3.75), json!(13.5), json!(7.5)], vec![json!(1.0), json!(3.6), json!(2.0)])
    );
    assert_eq!(
        (qemu("default"), qemu("stale")),
        (vec![json!(false), json!(false), json!(true)], vec![json!(false); 3])
    );
    let git = systems[2]["workloads"]
        .as_array()
        .unwrap()
        .iter()
        .find(|workload| workload["name"] == "git")
        .unwrap();
    assert_eq!(git["outcomes"][2], json!({"outcome": "crash"}));
    assert_eq!(git["outcomes"][1], json!({"outcome": "pass", "seconds": 3.0, "times": 1.0}));
    // Each cell that anything is known of says so.
    let (target, host) = (report.names("targets"), report.names("hosts"));
    let place = |names: &[&str], name: &str| names.iter().position(|other| *other == name).unwrap();
    let cell = |name: &str| &report.json["targets"][place(&target, name)]["cells"][place(&host, "amd64")];
    assert_eq!(cell("riscv64")["qemu"], "10.0");
    assert_eq!(strings(&cell("riscv64")["versions"]), ["10.0", "11.1", "7.2"]);
    assert_eq!(
        (&cell("riscv64")["choice"]["text"], &cell("aarch64")["choice"]),
        (&json!(BEATEN), &Value::Null)
    );

    let markdown = &report.markdown;
    for line in [
        format!(
            "| `riscv64` | riscv64, bookworm | amd64 | 7.2.22<br>4 of 4, 3.75 s x1.00 | 10.0.13 `default`<br>4 of 4, 13.50 s x3.60 | 11.1.3<br>3 of 4, 7.50 s x2.00 | {BEATEN} |"
        ),
        "| git | pass 3.00 s x1.00 | pass 3.00 s x1.00 | **crash** |".to_owned(),
        "| node | absent | absent | absent |".to_owned(),
        "| git | **hang** | **wrong** | **hang** |".to_owned(),
    ] {
        assert!(markdown.contains(&format!("{line}\n")), "{line}\n{markdown}");
    }
    let page = &report.page;
    assert_eq!(page.matches("<td class=\"crash\">crash</td>").count(), 3);
    assert_eq!(page.matches(&format!("data-why=\"Not the newest: {BEATEN}.\"")).count(), 1);
    assert_eq!(page.matches(&format!("data-why=\"{UNDECIDED}.\"")).count(), 1);
    assert_eq!(page.matches("<details id=\"programs-").count(), 3);
}

#[test]
fn the_time_of_each_program_is_in_every_form() {
    let report = with_results();
    let speed = &report.json["speeds"][0];
    let names = |key: &str| speed[key].as_array().unwrap().iter().map(|one| &one["name"]).collect::<Vec<_>>();
    assert_eq!(names("ways"), ["without QEMU", "7.2.22", "11.1.3", "11.1.3, max", "7.2.22, dynamic"]);
    assert_eq!(names("works"), ["bash", "perl", "python3", "xz"]);
    assert_eq!(speed["works"][3]["cells"][2], json!({"seconds": 3.0, "times": 1.5}));
    let markdown = &report.markdown;
    for line in [
        "### `x86_64`: programs of bookworm, on amd64, 2026-01-02",
        "| **interpreters** | x0.10 | x1.00 | x2.00 | x1.50 | x1.25 |",
        "| xz | 0.20 s x0.10 | 2.00 s x1.00 | 3.00 s x1.50 | 2.50 s x1.25 | 2.00 s x1.00 |",
    ] {
        assert!(markdown.contains(&format!("{line}\n")), "{line}\n{markdown}");
    }
    let summary = "<summary>x86_64: without QEMU ×0.10; 7.2.22 ×1.00; 11.1.3 ×2.00; 11.1.3, max ×1.50; 7.2.22, dynamic ×1.25</summary>";
    let page = &report.page;
    assert!(page.contains(summary), "{page}");
    assert!(page.contains("<td>×1.50<small>3.00 s</small></td>"), "{page}");
}

#[test]
fn a_reader_sees_which_qemu_runs_what_in_a_browser() {
    let Some(packages) = Packages::for_test("a_reader_sees_which_qemu_runs_what_in_a_browser") else {
        return;
    };
    let tree = packages.tree("chromium", &browser::packages()).unwrap();
    let sandbox = Sandbox::start(&packages, &Options { trees: vec![&tree], ..Options::default() }).unwrap();
    sandbox.write(format!("{PAGES}/index.html"), with_results().page).unwrap();
    for (width, height) in [(390, 844), (1200, 900), (1400, 900)] {
        let seen = seen(&sandbox, include_str!("report/programs.html"), (width, height), "");
        assert_eq!(seen["width"], json!([width, width]), "at {width}");
        assert_eq!(seen["unreachable"], json!([]), "at {width}");
        assert_eq!(seen["open"], json!([false, false, true]));
        assert_eq!(seen["defaults"], json!(["11.1.3", "11.1.3", "10.0.13"]));
        assert_eq!(seen["words"], json!(["absent", "crash", "hang", "pass", "slow", "wrong"]));
        assert_eq!(seen["pale"], json!([]), "at {width}");
        let facts = seen["facts"].as_str().unwrap();
        assert!(facts.ends_with(&format!(". Not the newest: {BEATEN}.")), "{facts}");
        assert_eq!(seen["versions"], json!(["10.0, the default", "11.1", "7.2"]));
        assert_eq!(seen["newest"], "docker run --rm --privileged aptman/qus:d11.1-riscv64 -s -- -p riscv64");
    }
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}
