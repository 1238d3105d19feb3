//! Invalid scenarios are rejected with all errors and their positions.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::path::{Path, PathBuf};

use beseda_scenario::{FileSource, Scenario};

/// Folder of the published example scenarios.
fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/scenarios")
}

fn refused(text: &str) -> String {
    Scenario::parse(text, &FileSource::Folder(examples())).unwrap_err().report("x.yaml")
}

#[test]
fn all_errors_are_reported_at_once_and_in_order() {
    let text = "\
scenario: Broken
cabinet: 0
given:
  orders:
    - order: 1
      model: FBX
steps:
  - buyer opens: talk
    order: 1
    txet: Здравствуйте!
  - buyer writes: ''
  - buyer shouts: Эй!
  - wait: soon
  - wait for: shop
    in: tolk
    matching: '(('
  - wait for status: SLEEPING
    in: talk
  - buyer writes: раз
    shop writes: два
";
    let report = refused(text);
    let lines: Vec<&str> = report.lines().filter(|line| line.starts_with("x.yaml:")).collect();
    let expected = [
        ("x.yaml:2:10:", "an identifier is a whole number"),
        ("x.yaml:6:14:", "unknown value `FBX`, expected one of: FBY, FBS, EXPRESS, DBS"),
        ("x.yaml:10:5:", "unknown field `txet`, expected one of:"),
        ("x.yaml:11:19:", "message size must be between 1 and 4096"),
        ("x.yaml:12:5:", "unknown step `buyer shouts`"),
        ("x.yaml:13:11:", "invalid duration `soon`"),
        ("x.yaml:15:9:", "unknown chat `tolk`; chats named so far: talk"),
        ("x.yaml:16:15:", "invalid regular expression"),
        ("x.yaml:17:22:", "unknown value `SLEEPING`, expected one of: NEW"),
        ("x.yaml:19:5:", "split `buyer writes` and `shop writes` into two steps"),
    ];
    assert_eq!(lines.len(), expected.len(), "{report}");
    for (line, (place, reason)) in lines.iter().zip(expected) {
        assert!(line.starts_with(place) && line.contains(reason), "{line}\nnot\n{place} {reason}");
    }
}

#[test]
fn missing_fields_are_reported() {
    for (text, place, reason) in [
        ("steps: [wait: 1s]", "x.yaml:1:1:", "missing field `scenario`"),
        ("scenario: A", "x.yaml:1:1:", "missing field `steps`"),
        ("scenario: A\nsteps: []", "x.yaml:2:8:", "`steps` is empty"),
        ("scenario: A\nsteps:\n  - buyer writes: a", "x.yaml:3:5:", "no chat"),
        ("scenario: A\nsteps:\n  - buyer opens:", "x.yaml:3:5:", "a name for the chat"),
        ("scenario: A\nsteps:\n  - shop opens: a", "x.yaml:3:5:", "needs `order` or `return`"),
        ("scenario: A\nsteps:\n  - repeat: 2", "x.yaml:3:5:", "missing field `steps`"),
        ("scenario: A\nsteps: wait", "x.yaml:2:8:", "expected a list"),
        ("- a", "x.yaml:1:1:", "expected a mapping"),
        ("scenario: [", "x.yaml:", "invalid YAML"),
    ] {
        let report = refused(text);
        assert!(report.starts_with(place) && report.contains(reason), "{text:?}: {report}");
    }
}

#[test]
fn a_sent_file_must_exist_and_be_small_enough() {
    let with = |file: &str| {
        format!("scenario: A\nsteps:\n  - buyer opens: a\n  - buyer sends: x.bin\n    {file}\n")
    };
    for (file, reason) in [
        ("from: nowhere.jpg", "x.yaml:5:11: failed to read nowhere.jpg"),
        (
            "size: 5242881",
            "x.yaml:5:11: invalid number `5242881`, expected a whole number from 0 to 5242880",
        ),
        ("base64: '*'", "x.yaml:5:13: invalid base64"),
        ("text: a\n    size: 1", "x.yaml:4:5: a file has one of"),
    ] {
        let report = refused(&with(file));
        assert!(report.contains(reason), "{file}: {report}");
    }
    Scenario::parse(&with("from: long-history.yaml"), &FileSource::Folder(examples())).unwrap();
    let over_network = Scenario::parse(&with("from: long-history.yaml"), &FileSource::Inline);
    assert!(
        over_network
            .unwrap_err()
            .to_string()
            .contains("not supported for scenarios received over the network")
    );
}

#[test]
fn names_given_in_nested_steps_are_unknown_afterwards() {
    let report = refused(
        "scenario: A
steps:
  - buyer opens: talk
  - wait for: shop
    within: 1s
    otherwise:
      - buyer opens: second
  - buyer writes: a
    in: second
",
    );
    assert!(report.contains("x.yaml:9:9: unknown chat `second`"), "{report}");
}

#[test]
fn no_input_makes_the_parser_panic() {
    let whole = std::fs::read_to_string(examples().join("return-dispute.yaml")).unwrap();
    let cuts = whole.char_indices().map(|(at, _)| at).step_by(11);
    for cut in cuts {
        // Any part of a scenario parses or is rejected.
        Scenario::parse(&whole[..cut], &FileSource::Inline).ok();
        Scenario::parse(&whole[cut..], &FileSource::Inline).ok();
        for odd in ["\t", ":", "- ", "{", "[", "*a", "&a", "\"", "%", "\u{feff}", "? "] {
            Scenario::parse(
                &format!("{}{odd}{}", &whole[..cut], &whole[cut..]),
                &FileSource::Inline,
            )
            .ok();
        }
    }
}
