//! A broken scenario is refused whole, with everything that is wrong and where.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::path::{Path, PathBuf};

use beseda_scenario::{Files, Scenario};

/// Folder of the published example scenarios.
fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/scenarios")
}

fn refused(text: &str) -> String {
    Scenario::parse(text, &Files::Folder(examples())).unwrap_err().report("x.yaml")
}

#[test]
fn everything_that_is_wrong_is_told_at_once_and_in_order() {
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
        ("x.yaml:6:14:", "`FBX` is not one of: FBY, FBS, EXPRESS, DBS"),
        ("x.yaml:10:5:", "`txet` has no meaning here; here may stand"),
        ("x.yaml:11:19:", "message size must be between 1 and 4096"),
        ("x.yaml:12:5:", "`buyer shouts` is no step"),
        ("x.yaml:13:11:", "`soon` is no length of time"),
        ("x.yaml:15:9:", "no chat is named `tolk` by now; named are: talk"),
        ("x.yaml:16:15:", "no regular expression"),
        ("x.yaml:17:22:", "`SLEEPING` is not one of: NEW"),
        ("x.yaml:19:5:", "`buyer writes` and `shop writes` are two steps"),
    ];
    assert_eq!(lines.len(), expected.len(), "{report}");
    for (line, (place, reason)) in lines.iter().zip(expected) {
        assert!(line.starts_with(place) && line.contains(reason), "{line}\nnot\n{place} {reason}");
    }
}

#[test]
fn what_is_missing_is_told() {
    for (text, place, reason) in [
        ("steps: [wait: 1s]", "x.yaml:1:1:", "`scenario` is missing"),
        ("scenario: A", "x.yaml:1:1:", "`steps` is missing"),
        ("scenario: A\nsteps: []", "x.yaml:2:8:", "`steps` is empty"),
        ("scenario: A\nsteps:\n  - buyer writes: a", "x.yaml:3:5:", "which chat?"),
        ("scenario: A\nsteps:\n  - buyer opens:", "x.yaml:3:5:", "the name that the chat has"),
        ("scenario: A\nsteps:\n  - shop opens: a", "x.yaml:3:5:", "needs `order` or `return`"),
        ("scenario: A\nsteps:\n  - repeat: 2", "x.yaml:3:5:", "`steps` is missing"),
        ("scenario: A\nsteps: wait", "x.yaml:2:8:", "a list is wanted"),
        ("- a", "x.yaml:1:1:", "a mapping is wanted"),
        ("scenario: [", "x.yaml:", "not YAML"),
    ] {
        let report = refused(text);
        assert!(report.starts_with(place) && report.contains(reason), "{text:?}: {report}");
    }
}

#[test]
fn a_file_that_is_sent_must_be_there_and_fit() {
    let with = |file: &str| {
        format!("scenario: A\nsteps:\n  - buyer opens: a\n  - buyer sends: x.bin\n    {file}\n")
    };
    for (file, reason) in [
        ("from: nowhere.jpg", "x.yaml:5:11: can't read nowhere.jpg"),
        ("size: 5242881", "x.yaml:5:11: `5242881`: a whole number from 0 to 5242880"),
        ("base64: '*'", "x.yaml:5:13: this is not base64"),
        ("text: a\n    size: 1", "x.yaml:4:5: a file has one of"),
    ] {
        let report = refused(&with(file));
        assert!(report.contains(reason), "{file}: {report}");
    }
    Scenario::parse(&with("from: long-history.yaml"), &Files::Folder(examples())).unwrap();
    let over_network = Scenario::parse(&with("from: long-history.yaml"), &Files::Inline);
    assert!(over_network.unwrap_err().to_string().contains("reads no files"));
}

#[test]
fn names_given_aside_are_not_known_afterwards() {
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
    assert!(report.contains("x.yaml:9:9: no chat is named `second`"), "{report}");
}

#[test]
fn nothing_that_is_read_makes_it_panic() {
    let whole = std::fs::read_to_string(examples().join("return-dispute.yaml")).unwrap();
    let cuts = whole.char_indices().map(|(at, _)| at).step_by(11);
    for cut in cuts {
        // Whatever is cut off, the rest is a scenario or a refusal.
        Scenario::parse(&whole[..cut], &Files::Inline).ok();
        Scenario::parse(&whole[cut..], &Files::Inline).ok();
        for odd in ["\t", ":", "- ", "{", "[", "*a", "&a", "\"", "%", "\u{feff}", "? "] {
            Scenario::parse(&format!("{}{odd}{}", &whole[..cut], &whole[cut..]), &Files::Inline)
                .ok();
        }
    }
}
