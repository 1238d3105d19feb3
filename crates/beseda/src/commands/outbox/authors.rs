//! Records the authors of confirmed messages in the archive of the same folder, if there is one.

use std::path::Path;

use beseda_archive::Archive;
use beseda_outbox::Item;

/// Records authors of confirmed messages.
pub(super) struct Authors(Option<Archive>);

impl Authors {
    /// Opens the archive in this folder, if there is one.
    pub(super) fn of(folder: &Path) -> anyhow::Result<Self> {
        let is_there = folder.join("archive.sqlite").exists();
        Ok(Self(is_there.then(|| Archive::open(folder)).transpose()?))
    }

    pub(super) fn note(&self, item: &Item) {
        let (Some(archive), Some(operator), Some(message)) =
            (&self.0, &item.operator, item.message_id)
        else {
            return;
        };
        if let Err(error) = archive.set_author(item.business_id, item.chat_id, message, operator) {
            tracing::warn!(%error, id = %item.id, "the archive doesn't know who wrote a message");
        }
    }
}
