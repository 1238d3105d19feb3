//! Records the authors of confirmed messages in the archive of the same folder, if there is one.

use std::path::Path;

use beseda_archive::Archive;
use beseda_outbox::Item;

/// Records authors of confirmed messages.
pub(super) struct AuthorRecorder(Option<Archive>);

impl AuthorRecorder {
    /// Opens the archive in this folder, if there is one.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let is_there = folder.join("archive.sqlite").exists();
        Ok(Self(is_there.then(|| Archive::open(folder)).transpose()?))
    }

    pub(super) fn record(&self, item: &Item) {
        let (Some(archive), Some(operator), Some(message)) =
            (&self.0, &item.operator, item.message_id)
        else {
            return;
        };
        if let Err(error) = archive.set_author(item.business_id, item.chat_id, message, operator) {
            tracing::warn!(%error, id = %item.id, "can't record the author of a message in the archive");
        }
    }
}
