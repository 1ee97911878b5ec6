//! The report as one HTML file that wants nothing from elsewhere.

use base::size;
use minijinja::{AutoEscape, Environment, Value, context};

use crate::matrix::Matrix;

/// The page; everything that is put into it is escaped.
pub fn render(matrix: &Matrix) -> anyhow::Result<String> {
    page(&Value::from_serialize(matrix))
}

fn page(matrix: &Value) -> anyhow::Result<String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::SemiStrict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.add_filter("size", size);
    environment.add_filter("seconds", |seconds: f64| format!("{seconds:.2} s"));
    environment.add_filter("times", |times: f64| format!("×{times:.2}"));
    let context = context! {
        matrix,
        style => Value::from_safe_string(include_str!("page.css").to_owned()),
        script => Value::from_safe_string(include_str!("page.js").to_owned()),
    };
    crate::fill(environment, "page.html", include_str!("page.html"), &context)
}

#[cfg(test)]
mod tests {
    use builder::Sizes;
    use debian::lock::Lock;
    use results::Results;

    use super::*;

    const HOSTILE: &str = "\"><script>alert('1')</script>";

    /// Puts a hostile text in the place of each, and one where what is stale would be named; turns what is true or false around if
    /// it `turns`.
    fn spoil(value: &mut serde_json::Value, turns: bool) {
        match value {
            serde_json::Value::String(text) => HOSTILE.clone_into(text),
            serde_json::Value::Bool(flag) => *flag ^= turns,
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| spoil(item, turns)),
            serde_json::Value::Object(members) => {
                if let Some(serde_json::Value::Array(stale)) = members.get_mut("stale") {
                    stale.push(HOSTILE.into());
                }
                members.values_mut().for_each(|member| spoil(member, turns));
            }
            _ => {}
        }
    }

    #[test]
    fn what_is_put_into_the_page_is_escaped() {
        let lock = Lock::parse(include_str!("../../../images/debian.lock")).unwrap();
        let results = Results::parse(include_str!("../../../images/conformance.toml")).unwrap();
        let speeds = serde_json::from_str(include_str!("../../../benches/emulation.json")).unwrap();
        let choices = results::choices(&lock, &results, |_, _| None);
        let matrix = Matrix::new(&lock, &Sizes::default(), "aptman/qus", &results, &choices);
        let matrix = serde_json::to_value(matrix.with_speeds(Some(&speeds))).unwrap();
        for turns in [false, true] {
            let mut matrix = matrix.clone();
            spoil(&mut matrix, turns);
            let page = page(&Value::from_serialize(&matrix)).unwrap();
            let legend = "<li><span class=\"chip native\">&nbsp;</span> the machine's own: nothing to register</li>\n  </ul>";
            assert!(page.contains(legend), "{page}");
            assert!(!page.contains(HOSTILE), "{page}");
            assert!(!page.contains("\"><script>alert("), "{page}");
            assert!(!page.contains("alert('1')"), "{page}");
            // The page's own, and no other.
            assert_eq!(page.matches("<script").count(), 1);
            assert!(page.contains("&lt;script&gt;alert("), "{page}");
        }
    }
}
