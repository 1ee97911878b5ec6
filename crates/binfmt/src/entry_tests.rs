//! Entries from and to the kernel's two notations.

use super::*;

const AARCH64: &str = "enabled\ninterpreter /qus/bin/qemu-aarch64-static\nflags: POCF\noffset 0\n\
     magic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n";

fn check(text: &str, expected: Result<(&str, &str), &str>) {
    let parsed = Entry::parse("e", text.as_bytes());
    let actual = parsed.map(|entry| {
        let line = String::from_utf8(entry.register_line().unwrap()).unwrap();
        (if entry.enabled() { "enabled" } else { "disabled" }, line)
    });
    let expected = expected.map(|(state, line)| (state, line.to_owned())).map_err(str::to_owned);
    assert_eq!(actual.map_err(|error| error.to_string()), expected, "{text}");
}

#[test]
fn the_kernels_text_becomes_the_line_that_made_it() {
    check(
        AARCH64,
        Ok((
            "enabled",
            ":e:M::\\x7f\\x45\\x4c\\x46\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00\
             :\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff\
             :/qus/bin/qemu-aarch64-static:POCF",
        )),
    );
    check(
        "disabled\ninterpreter /usr/bin/python3.11\nflags: \noffset 4\nmagic a70d\n",
        Ok(("disabled", ":e:M:4:\\xa7\\x0d:\\xff\\xff:/usr/bin/python3.11:")),
    );
    check(
        "enabled\ninterpreter /usr/bin/jexec\nflags: F\nextension .jar\n",
        Ok(("enabled", ":e:E::jar::/usr/bin/jexec:F")),
    );
    check(
        "enabled\ninterpreter /opt/a:b/qemu\nflags: \noffset 0\nmagic 7f\n",
        Ok(("enabled", "|e|M||\\x7f|\\xff|/opt/a:b/qemu|")),
    );
}

#[test]
fn text_that_the_kernel_does_not_write_is_refused_with_its_line() {
    let cut = |lines: usize| AARCH64.split_inclusive('\n').take(lines).collect::<String>();
    for (text, problem) in [
        (String::new(), "line 1: the text ends too early"),
        ("on\n".to_owned(), "line 1: expected `enabled` or `disabled`, found `on`"),
        (cut(1), "line 2: the text ends too early"),
        ("enabled\ninterp x\n".to_owned(), "line 2: expected `interpreter`, found `interp x`"),
        (AARCH64.replace("POCF", "PX"), "line 3: unknown flag `X`"),
        (AARCH64.replace("offset 0", "offset x"), "line 4: the offset is not a number"),
        (
            AARCH64.replace("magic 7f", "magic 7g"),
            "line 5: expected pairs of hexadecimal digits, found `7g454c460201010000000000000000000200b700`",
        ),
        (
            AARCH64.replace("b700\n", "b70\n"),
            "line 5: expected pairs of hexadecimal digits, found `7f454c460201010000000000000000000200b70`",
        ),
        (AARCH64.replace("mask ff", "mask "), "line 6: the mask is not as long as the magic"),
        (cut(4), "line 5: the text ends too early"),
    ] {
        check(&text, Err(problem));
    }
    let not_text = [b"enabled\ninterpreter /x\nflags: \xff\n".as_slice()].concat();
    let error = Entry::parse("e", &not_text).unwrap_err();
    assert_eq!(error.to_string(), "line 3: expected text, found `\u{fffd}`");
}

#[test]
fn what_cannot_be_registered_is_refused_before_the_kernel_is_asked() {
    let new = |name: &str, path: &str| {
        Entry::new(name, (b"\x7f", b"\xff"), Path::new(path), Flags::NONE).map_err(|error| error.to_string())
    };
    let line = |path: &str| {
        Entry::new("e", (b"\x7f", b"\xff"), Path::new(path), Flags::NONE)
            .and_then(|entry| entry.register_line())
    };
    assert!(new("e", "/x").is_ok());
    for name in ["", ".", "..", "register", "status", "a/b", "a\nb", &"x".repeat(256)] {
        assert_eq!(new(name, "/x"), Err(format!("`{name}` cannot be an entry's name")));
    }
    for path in ["", "x", "./x", "/a\nb"] {
        let message = format!("`{path}` cannot be an interpreter: its path must be absolute and on one line");
        assert_eq!(new("e", path), Err(message));
    }
    assert_eq!(
        new("e", "/:|,%!~^=@+"),
        Err("`/:|,%!~^=@+` cannot be an interpreter: its path holds every delimiter that a register line could use"
            .to_owned())
    );
    assert_eq!(
        line("/a:b|c,d").map(|line| line[0]),
        Ok(b'%'),
        "systemd-binfmt takes a line that begins with `;` for a comment"
    );
    assert_eq!(
        new("e", &format!("/{}", "x".repeat(2000))),
        Err("the register line would have 2018 bytes, and the kernel takes 1920".to_owned())
    );
}

#[test]
fn bits_outside_the_mask_do_not_tell_entries_apart() {
    let with = |value: &[u8]| Entry::new("e", (value, b"\xff\xf0"), Path::new("/x"), Flags::NONE).unwrap();
    assert_eq!(with(b"\x7f\x45"), with(b"\x7f\x4f"));
    assert_ne!(with(b"\x7f\x45"), with(b"\x7f\x55"));
    assert!(with(b"\x7f\x45").takes(b"\x7f\x4a...."));
    assert!(!with(b"\x7f\x45").takes(b"\x7f"));
}
