//! Exports are read back with other libraries, also after being cut in the middle.

use std::fs::{self, File};

use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::RowAccessor,
};
use proptest::prelude::*;

use super::{Export, ExportKind, Exported, Format};
use crate::sample::Sample;

fn sample(texts: &[&str]) -> Sample {
    let mut sample = Sample::new();
    sample.chat(1, "NEW");
    for (second, text) in (0..).zip(texts) {
        sample.say(1, second, "CUSTOMER", text);
    }
    sample
}

fn export_to(sample: &Sample, format: Format, name: &str, resume: bool) -> Exported {
    let export = Export { format, ..Export::default() };
    let file = sample.folder.path().join(name);
    sample.archive.export_to(&export, &file, resume, &mut |_| {}).unwrap()
}

fn bytes(sample: &Sample, name: &str) -> Vec<u8> {
    fs::read(sample.folder.path().join(name)).unwrap()
}

fn texts_of_csv(bytes: &[u8]) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(bytes);
    let column = reader.headers().unwrap().iter().position(|name| name == "text").unwrap();
    reader.records().map(|record| record.unwrap()[column].to_owned()).collect()
}

fn texts_of_json(bytes: &[u8]) -> Vec<String> {
    let lines = std::str::from_utf8(bytes).unwrap().lines();
    let text = |line| serde_json::from_str::<serde_json::Value>(line).unwrap()["text"].clone();
    lines.map(|line| text(line).as_str().unwrap().to_owned()).collect()
}

fn texts_of_parquet(sample: &Sample, name: &str) -> Vec<String> {
    let file = File::open(sample.folder.path().join(name)).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let text = |row: &parquet::record::Row| {
        let place = row.get_column_iter().position(|(name, _)| name == "text").unwrap();
        row.get_string(place).unwrap().clone()
    };
    reader.get_row_iter(None).unwrap().map(|row| text(&row.unwrap())).collect()
}

const TEXTS: [&str; 4] = ["раз", "два,\n\"три\"; 4", "=1+1", "ё 🙂"];

#[test]
fn every_form_gives_every_text_back() {
    let sample = sample(&TEXTS);
    export_to(&sample, Format::Jsonl, "out.jsonl", false);
    export_to(&sample, Format::Csv, "out.csv", false);
    let done = export_to(&sample, Format::Parquet, "out.parquet", false);
    assert_eq!(done, Exported { rows: 4, cursor: 5 });
    assert_eq!(texts_of_json(&bytes(&sample, "out.jsonl")), TEXTS);
    assert_eq!(texts_of_csv(&bytes(&sample, "out.csv")), TEXTS);
    assert_eq!(texts_of_parquet(&sample, "out.parquet"), TEXTS);
    assert!(!sample.folder.path().join("out.parquet.parts").exists());
}

#[test]
fn an_export_cut_anywhere_goes_on_without_a_hole_or_a_double() {
    let sample = sample(&TEXTS);
    for (format, name) in [(Format::Jsonl, "a"), (Format::Csv, "b"), (Format::Excel, "c")] {
        export_to(&sample, format, name, false);
        let whole = bytes(&sample, name);
        for end in (0..=whole.len()).step_by(7) {
            fs::write(sample.folder.path().join(name), &whole[..end]).unwrap();
            export_to(&sample, format, name, true);
            assert!(bytes(&sample, name) == whole, "{format:?} cut at {end}");
        }
    }
}

#[test]
fn what_came_since_is_added_to_a_finished_export() {
    let mut sample = sample(&TEXTS);
    for (format, name) in [(Format::Jsonl, "a"), (Format::Csv, "b"), (Format::Parquet, "c")] {
        export_to(&sample, format, name, false);
    }
    sample.say(1, 100, "PARTNER", "новое");
    for (format, name) in [(Format::Jsonl, "a"), (Format::Csv, "b"), (Format::Parquet, "c")] {
        assert_eq!(export_to(&sample, format, name, true).rows, 1);
        assert_eq!(export_to(&sample, format, name, true).rows, 0);
    }
    let all = [&TEXTS[..], &["новое"]].concat();
    assert_eq!(texts_of_json(&bytes(&sample, "a")), all);
    assert_eq!(texts_of_csv(&bytes(&sample, "b")), all);
    assert_eq!(texts_of_parquet(&sample, "c"), all);
}

#[test]
fn parts_of_an_interrupted_parquet_export_are_taken_over() {
    let mut sample = sample(&TEXTS[..2]);
    // A run that stops after its first part leaves that part and an incomplete one.
    export_to(&sample, Format::Parquet, "first.parquet", false);
    let parts = sample.folder.path().join("out.parquet.parts");
    fs::create_dir(&parts).unwrap();
    let first = sample.folder.path().join("first.parquet");
    fs::rename(first, parts.join("00000000000000000003.parquet")).unwrap();
    fs::write(parts.join("begun"), "PAR1 half").unwrap();
    sample.say(1, 10, "CUSTOMER", "после");
    assert_eq!(export_to(&sample, Format::Parquet, "out.parquet", true).rows, 1);
    assert_eq!(texts_of_parquet(&sample, "out.parquet"), [TEXTS[0], TEXTS[1], "после"]);
    assert!(!parts.exists());
}

#[test]
fn another_file_is_not_gone_on_with() {
    let sample = sample(&TEXTS);
    for (format, other) in [(Format::Csv, "cursor;no\n"), (Format::Jsonl, "{\"a\":1}\n")] {
        let file = sample.folder.path().join("other");
        fs::write(&file, other).unwrap();
        let export = Export { format, ..Export::default() };
        let refused = sample.archive.export_to(&export, &file, true, &mut |_| {}).unwrap_err();
        assert!(refused.to_string().contains("can't be resumed"), "{refused}");
        assert_eq!(fs::read_to_string(&file).unwrap(), other, "it is left as it was");
    }
}

#[test]
fn excel_finds_no_formula_and_keeps_every_digit() {
    let sample = sample(&["=HYPERLINK(1)", " +1", "@a", "-1", "обычный"]);
    export_to(&sample, Format::Excel, "out.csv", false);
    let text = String::from_utf8(bytes(&sample, "out.csv")).unwrap();
    assert!(text.starts_with("\u{feff}cursor;businessId;"));
    for harmless in [";'=HYPERLINK(1);", ";' +1;", ";'@a;", ";'-1;", ";обычный;", ";\"=\"\"1780"]
    {
        assert!(text.contains(harmless), "{harmless}: {text}");
    }
}

#[test]
fn chats_are_exported_once_each() {
    let mut sample = sample(&TEXTS);
    sample.chat(2, "FINISHED");
    let export = Export { what: ExportKind::Chats, ..Export::default() };
    let mut out = Vec::new();
    let scratch = sample.folder.path();
    sample.archive.export(&export, &mut out, scratch, &mut |_| {}).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(text.contains("\"orderId\":1002") && text.contains("\"shop\":\"Лавка\""), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_texts_come_back_equal(texts in prop::collection::vec("\\PC{0,30}|[\"\r\n,;=я]{0,12}", 1..5)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let sample = sample(&texts);
        export_to(&sample, Format::Jsonl, "a", false);
        export_to(&sample, Format::Csv, "b", false);
        export_to(&sample, Format::Parquet, "c", false);
        prop_assert_eq!(&texts_of_json(&bytes(&sample, "a")), &texts);
        prop_assert_eq!(&texts_of_csv(&bytes(&sample, "b")), &texts);
        prop_assert_eq!(&texts_of_parquet(&sample, "c"), &texts);
    }
}
