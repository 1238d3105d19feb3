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
fn without_an_archive_one_is_told_what_to_do() {
    for command in [&["search", "слово"][..], &["export"], &["stats"]] {
        let args = [command, &["--archive", "/nowhere"]].concat();
        let complaint = beseda().run(args).fails(2);
        assert!(complaint.contains("beseda sync --archive /nowhere"), "{complaint}");
    }
}
