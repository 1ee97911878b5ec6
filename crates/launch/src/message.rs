//! The output of cargo for programs (the Cargo book, "External tools"): a line of JSON for each thing that is compiled. Read
//! without a parser of JSON, which would have to be compiled first.

use std::path::PathBuf;

/// True if the line is of something that was compiled now, and was not there already.
pub(crate) fn is_new(line: &str) -> bool {
    line.starts_with(r#"{"reason":"compiler-artifact","#) && line.contains(r#""fresh":false"#)
}

/// The file of the program called `name`, as opposed to its tests, if the line is of that.
pub(crate) fn program(line: &str, name: &str) -> Option<PathBuf> {
    let target = object(line, "target")?;
    let is_program = target.contains(r#""kind":["bin"]"#)
        && target.contains(&format!(r#""name":"{name}""#))
        && object(line, "profile")?.contains(r#""test":false"#);
    let (_, rest) = line.split_once(r#""executable":""#)?;
    is_program.then(|| string(rest)).flatten().map(PathBuf::from)
}

/// The text of an object that has no other objects in it.
fn object<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!(r#""{key}":{{"#))?;
    Some(rest.split_once('}')?.0)
}

/// The string that ends at the next quote.
fn string(rest: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return Some(text),
            // What else is escaped in JSON is in no path.
            '\\' => text.push(characters.next().filter(|escaped| matches!(escaped, '"' | '\\' | '/'))?),
            character => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: &str, name: &str, test: bool, fresh: bool, file: &str) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","package_id":"path+file:///q/xtask#0.1.0","manifest_path":"/q/xtask/Cargo.toml","target":{{"kind":["{kind}"],"crate_types":["bin"],"name":"{name}","src_path":"/q/xtask/src/main.rs","edition":"2024","doc":true,"doctest":false,"test":true}},"profile":{{"opt_level":"0","debuginfo":2,"debug_assertions":true,"overflow_checks":true,"test":{test}}},"features":["full"],"filenames":["{file}"],"executable":"{file}","fresh":{fresh}}}"#
        )
    }

    #[test]
    fn the_program_is_told_from_its_tests_and_from_others() {
        let file = "/q/target/debug/xtask";
        let found =
            |kind: &str, name: &str, test: bool| program(&line(kind, name, test, true, file), "xtask");
        assert_eq!(found("bin", "xtask", false), Some(PathBuf::from(file)));
        assert_eq!(found("bin", "xtask", true), None);
        assert_eq!(found("bin", "register", false), None);
        assert_eq!(found("test", "xtask", true), None);
        assert_eq!(found("custom-build", "xtask", false), None);
        for other in [
            r#"{"reason":"build-finished","success":true}"#,
            r#"{"reason":"compiler-artifact"}"#,
            "",
            "x",
            &line("bin", "xtask", false, true, file)
                .replace(&format!("\"{file}\",\"fresh\""), "null,\"fresh\""),
            &line("bin", "xtask", false, true, file)[..400],
        ] {
            assert_eq!(program(other, "xtask"), None, "{other}");
        }
        let odd = line("bin", "xtask", false, true, r#"/q \"x\"/\\a/ü"#);
        assert_eq!(program(&odd, "xtask"), Some(PathBuf::from(r#"/q "x"/\a/ü"#)));
    }

    #[test]
    fn only_what_is_compiled_now_is_new() {
        assert!(is_new(&line("lib", "a", false, false, "/a")));
        assert!(!is_new(&line("lib", "a", false, true, "/a")));
        assert!(!is_new(r#"{"reason":"build-script-executed","fresh":false}"#));
    }
}
