//! `search`, `export` and `stats` by the real program, over an archive that `sync` filled from a stand-in.

use serde_json::Value;

use crate::{program::beseda, service::StandIn};

#[test]
fn what_was_synced_is_found_exported_and_reckoned() {
    let stand_in = StandIn::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    let archive = archive.to_str().unwrap();
    let first = stand_in.beseda().run(["chats", "list", "--all", "--json"]).lines().remove(0);
    let chat = first["chatId"].to_string();
    stand_in.beseda().run(["chats", "send", &chat, "Посылки уже в пути"]).ok();
    stand_in.beseda().run(["sync", "--archive", archive, "--no-files"]).ok();

    let found =
        beseda().run(["search", "--archive", archive, "посылок", "--chat", &chat, "--json"]).json();
    let snippet = &found["hits"][0]["snippet"];
    assert_eq!(snippet["text"], "Посылки уже в пути");
    assert_eq!(snippet["highlights"], serde_json::json!([[0, 7]]));

    let rows = beseda().run(["export", "--archive", archive]).lines();
    let cursors: Vec<i64> = rows.iter().filter_map(|row| row["cursor"].as_i64()).collect();
    assert!(cursors.len() == rows.len() && cursors.is_sorted());
    assert!(rows.iter().any(|row| row["text"] == "Посылки уже в пути"));
    let file = folder.path().join("all.parquet");
    let file = file.to_str().unwrap();
    let args = ["export", "--archive", archive, "--output", file, "--resume", "--json"];
    let written = |run: Value| run["rows"].as_u64();
    assert_eq!(written(beseda().run(args).json()), Some(rows.len() as u64));
    assert_eq!(written(beseda().run(args).json()), Some(0));

    let chart = folder.path().join("chart.svg");
    let args = ["stats", "--archive", archive, "--json", "--svg", chart.to_str().unwrap()];
    let stats = beseda().run(args).json();
    let counted = ["customerMessages", "shopMessages", "otherMessages"]
        .map(|name| stats[name].as_u64().unwrap());
    assert_eq!(counted.iter().sum::<u64>(), rows.len() as u64);
    assert!(std::fs::read_to_string(chart).unwrap().contains("<svg"));
}

#[test]
fn messages_are_found_by_numbers_signs_mixed_letters_and_other_forms() {
    let stand_in = StandIn::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    let archive = archive.to_str().unwrap();
    let first = stand_in.beseda().run(["chats", "list", "--all", "--json"]).lines().remove(0);
    let chat = first["chatId"].to_string();
    for text in [
        "📞 мой номер +7 (999) 123-45-67",
        "где з\u{61}каз 123-456-789?",
        "осталось два дня...",
        "деньги вернули, спасибо 👍🏽",
    ] {
        stand_in.beseda().run(["market", "write", &chat, text, "--as", "customer"]).ok();
    }
    stand_in.beseda().run(["sync", "--archive", archive, "--no-files"]).ok();
    // What is found, and which piece of it is marked.
    let marked = |query: &str| -> Vec<String> {
        let args = ["search", "--archive", archive, "--chat", &chat, "--json", "--", query];
        let found = beseda().run(args).json();
        let marks = |hit: &Value| {
            let snippet = &hit["snippet"];
            let text: Vec<char> = snippet["text"].as_str().unwrap().chars().collect();
            let place = |at: &Value| usize::try_from(at.as_u64().unwrap()).unwrap();
            let piece = |mark: &Value| text[place(&mark[0])..place(&mark[1])].iter().collect();
            let marks: Vec<String> =
                snippet["highlights"].as_array().unwrap().iter().map(piece).collect();
            marks.join("|")
        };
        found["hits"].as_array().unwrap().iter().map(marks).collect()
    };
    for (query, expected) in [
        ("9991234567", "999) 123-45-67"),
        ("8 999 123-45-67", "999) 123-45-67"),
        ("123456789", "123-456-789"),
        ("заказ 123 456 789", "з\u{61}каз|123-456-789"),
        ("з\u{61}к\u{61}зы", "з\u{61}каз"),
        ("два день", "два|дня"),
        ("возвращать", "вернули"),
        ("👍", "👍"),
        ("📞", "📞"),
        ("...", "..."),
    ] {
        assert_eq!(marked(query), [expected], "{query}");
    }
    assert_eq!(marked("*"), [""; 0]);
    let table = beseda().run(["search", "--archive", archive, "9991234567"]).ok();
    assert!(table.contains("📞 мой номер +7 (999) 123-45-67"), "{table}");
    let complaint = beseda().run(["search", "--archive", archive, " "]).fails(2);
    assert!(complaint.contains("nothing to search for in the query"), "{complaint}");
}

#[test]
fn an_export_goes_only_into_a_file_whose_ending_agrees_with_its_format() {
    let stand_in = StandIn::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    stand_in.beseda().run(["sync", "--archive", archive.to_str().unwrap()]).ok();
    let export = |name: &str, options: &[&str]| {
        let file = folder.path().join(name);
        let args = ["export", "--archive", archive.to_str().unwrap(), "--output"];
        let run = beseda().run([&args[..], &[file.to_str().unwrap()], options].concat());
        (run, file)
    };
    for (name, options, words) in [
        ("x.xlsx", &[][..], "use .jsonl, .ndjson, .csv or .parquet"),
        ("x.xlsx", &["--excel"], "--excel writes .csv"),
        ("x.2026-03", &[], "or give --format"),
        ("x.csv", &["--format", "parquet"], "--format parquet does not match the extension .csv"),
        (
            "x.PARQUET",
            &["--format", "jsonl"],
            "--format jsonl does not match the extension .PARQUET",
        ),
        ("x.jsonl", &["--excel"], "--excel requires CSV"),
    ] {
        let (run, file) = export(name, options);
        let complaint = run.fails(2);
        assert!(complaint.contains(words), "{name} {options:?}: {complaint}");
        assert!(!file.exists(), "{name} {options:?}");
    }
    let begins = |name: &str, options: &[&str], with: &[u8]| {
        let (run, file) = export(name, options);
        run.ok();
        assert!(std::fs::read(file).unwrap().starts_with(with), "{name} {options:?}");
    };
    begins("x.NDJSON", &[], b"{");
    begins("no-ending", &[], b"{");
    begins("x.csv", &["--format", "csv"], b"cursor,");
    begins("x.csv", &["--excel"], b"\xef\xbb\xbf");
    begins("x.txt", &["--format", "csv"], b"cursor,");
    begins("x.parquet", &[], b"PAR1");
}

#[test]
fn without_an_archive_one_is_told_what_to_do() {
    for command in [&["search", "слово"][..], &["export"], &["stats"]] {
        let args = [command, &["--archive", "/nowhere"]].concat();
        let complaint = beseda().run(args).fails(2);
        assert!(complaint.contains("beseda sync --archive /nowhere"), "{complaint}");
    }
}
