//! Completion scripts, manual pages and help.

use crate::program::beseda;

#[test]
fn every_shell_has_a_completion_script() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = beseda().run(["completions", shell]).ok();
        assert!(script.contains("send-file") && script.contains("stand-in"), "{shell}");
    }
}

#[test]
fn the_manual_lists_every_exit_status_and_has_a_page_for_each_command() {
    let page = beseda().run(["man"]).ok();
    assert!(page.contains("a rate limit is used up (420)"), "{page}");
    let folder = tempfile::tempdir().unwrap();
    beseda().run(["man", "--dir", folder.path().to_str().unwrap()]).ok();
    for name in
        ["beseda.1", "beseda-stand-in.1", "beseda-chats-send.1", "beseda-admin-keys-create.1"]
    {
        let page = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(page.contains(".SH DESCRIPTION"), "{name}");
    }
}

#[test]
fn help_has_examples_and_the_exit_statuses() {
    let help = beseda().run(["--help"]).ok();
    assert!(help.contains("Exit status:") && help.contains("8  network error"), "{help}");
    let help = beseda().run(["chats", "--help"]).ok();
    assert!(help.contains("Examples:") && help.contains("BESEDA_API_KEY"), "{help}");
}
