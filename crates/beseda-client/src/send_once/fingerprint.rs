//! Fingerprints: own messages are recognized in a history by sender, order and content, since a
//! send returns no id.

use beseda_api::{Attachment, Message, MessageId, Sender};

use super::OutgoingMessage;

/// Fingerprint of a sent message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fingerprint {
    /// Text.
    Text(String),
    /// File.
    File {
        /// Name.
        name: String,
        /// Size in bytes.
        size: u64,
    },
}

impl Fingerprint {
    /// Returns the fingerprint of a message to send.
    #[must_use]
    pub fn of(what: &OutgoingMessage) -> Self {
        match what {
            OutgoingMessage::Text(text) => Self::Text(text.as_str().to_owned()),
            OutgoingMessage::File { name, content } => {
                Self::File { name: name.as_str().to_owned(), size: content.len() as u64 }
            }
        }
    }

    /// Returns `true` if the message has this fingerprint: sent by the shop, with the same text
    /// apart from surrounding blanks and line endings, or with a file of the same size and the same
    /// or no name.
    #[must_use]
    pub fn matches(&self, message: &Message) -> bool {
        if message.sender != Sender::Partner {
            return false;
        }
        match self {
            Self::Text(text) => message.message.as_deref().is_some_and(|other| equal(text, other)),
            Self::File { name, size } => {
                let same = |file: &Attachment| {
                    u64::try_from(file.size).is_ok_and(|other| other == *size)
                        && (file.name == *name || file.name.is_empty())
                };
                message.payload.iter().flatten().any(same)
            }
        }
    }
}

fn equal(ours: &str, theirs: &str) -> bool {
    let lines = |text: &str| text.trim().replace("\r\n", "\n");
    ours == theirs || lines(ours) == lines(theirs)
}

/// Finds the messages after `since` that match these fingerprints in order: each is the first match
/// after the previous one. The order of `history` is irrelevant. A fingerprint without a match
/// yields `None`.
#[must_use]
pub fn match_all(
    history: &[Message],
    since: Option<MessageId>,
    sent: &[Fingerprint],
) -> Vec<Option<MessageId>> {
    let mut ours: Vec<&Message> = history
        .iter()
        .filter(|message| message.sender == Sender::Partner && Some(message.message_id) > since)
        .collect();
    ours.sort_by_key(|message| message.message_id);
    let mut rest = ours.as_slice();
    let find = |fingerprint: &Fingerprint| {
        let place = rest.iter().position(|message| fingerprint.matches(message))?;
        let id = rest[place].message_id;
        rest = &rest[place + 1..];
        Some(id)
    };
    sent.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use beseda_api::{Message, MessageId};
    use serde_json::json;

    use super::{Fingerprint, match_all};

    fn message(id: i64, sender: &str, text: &str) -> Message {
        let message = json!({
            "messageId": id, "createdAt": "2026-11-21T00:00:00Z", "sender": sender, "message": text
        });
        serde_json::from_value(message).unwrap()
    }

    fn texts(texts: &[&str]) -> Vec<Fingerprint> {
        texts.iter().map(|text| Fingerprint::Text((*text).to_owned())).collect()
    }

    fn ids(history: &[Message], since: i64, sent: &[&str]) -> Vec<i64> {
        let found = match_all(history, MessageId::new(since).ok(), &texts(sent));
        found.into_iter().map(|id| id.map_or(0, MessageId::get)).collect()
    }

    #[test]
    fn equal_texts_are_counted_and_the_order_of_the_history_does_not_matter() {
        let history = [
            message(5, "PARTNER", "да"),
            message(3, "PARTNER", "да"),
            message(4, "CUSTOMER", "да"),
        ];
        assert_eq!(ids(&history, 0, &["да"]), [3]);
        assert_eq!(ids(&history, 0, &["да", "да"]), [3, 5]);
        assert_eq!(ids(&history, 0, &["да", "да", "да"]), [3, 5, 0]);
        assert_eq!(ids(&history, 3, &["да"]), [5]);
        assert_eq!(ids(&history, 5, &["да"]), [0]);
    }

    #[test]
    fn the_sequence_decides_which_of_two_equal_texts_is_whose() {
        let history = [
            message(1, "PARTNER", "да"),
            message(2, "PARTNER", "нет"),
            message(3, "PARTNER", "другое"),
            message(4, "PARTNER", "да"),
        ];
        assert_eq!(ids(&history, 0, &["нет", "да"]), [2, 4]);
        assert_eq!(ids(&history[..3], 0, &["нет", "да"]), [2, 0]);
        assert_eq!(ids(&history, 0, &["пропало", "нет", "да"]), [0, 2, 4]);
    }

    #[test]
    fn blanks_around_a_text_and_line_ends_do_not_make_it_another() {
        let history = [message(1, "PARTNER", "а\nб"), message(2, "PARTNER", "а б")];
        assert_eq!(ids(&history, 0, &[" а\r\nб \n"]), [1]);
        assert_eq!(ids(&history, 0, &["а  б"]), [0]);
    }

    #[test]
    fn a_file_is_known_by_its_size_and_its_name_or_the_lack_of_one() {
        let file = |id: i64, name: &str, size: i64| -> Message {
            let payload = json!([{ "name": name, "url": "http://localhost/x", "size": size }]);
            serde_json::from_value(json!({
                "messageId": id, "createdAt": "2026-11-21T00:00:00Z", "sender": "PARTNER",
                "payload": payload
            }))
            .unwrap()
        };
        let fingerprint = [Fingerprint::File { name: "a.jpg".to_owned(), size: 7 }];
        let found =
            |history: &[Message]| match_all(history, None, &fingerprint)[0].map(MessageId::get);
        assert_eq!(found(&[file(1, "a.jpg", 8), file(2, "b.jpg", 7)]), None);
        assert_eq!(found(&[file(1, "a.jpg", 8), file(2, "a.jpg", 7)]), Some(2));
        assert_eq!(found(&[file(1, "", 7)]), Some(1));
    }
}
