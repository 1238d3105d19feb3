//! Memory usage of journal entries.

use super::entry::{HttpMessage, JournalEntry};

impl HttpMessage {
    /// Frees unused capacity.
    fn shrink(&mut self) {
        self.body.iter_mut().for_each(String::shrink_to_fit);
        self.headers.shrink_to_fit();
        for (name, value) in &mut self.headers {
            name.shrink_to_fit();
            value.shrink_to_fit();
        }
    }

    /// Returns the heap memory in bytes.
    fn bytes(&self) -> usize {
        let headers = self.headers.capacity() * size_of::<(String, String)>();
        let texts = self.headers.iter().map(|(name, value)| name.capacity() + value.capacity());
        headers + texts.sum::<usize>() + self.body.as_ref().map_or(0, String::capacity)
    }
}

impl JournalEntry {
    /// Frees unused capacity.
    pub(super) fn shrink(&mut self) {
        let texts = [&mut self.operation, &mut self.method, &mut self.target, &mut self.curl];
        let maybe = [&mut self.reason, &mut self.advice].into_iter().flatten();
        texts.into_iter().chain(maybe).for_each(String::shrink_to_fit);
        self.faults.shrink_to_fit();
        self.request.shrink();
        self.response.iter_mut().for_each(HttpMessage::shrink);
    }

    /// Returns the memory usage in bytes.
    pub(super) fn bytes(&self) -> usize {
        let texts = [&self.operation, &self.method, &self.target, &self.curl];
        let maybe = [&self.reason, &self.advice].into_iter().flatten();
        let texts: usize = texts.into_iter().chain(maybe).map(String::capacity).sum();
        let halves = self.request.bytes() + self.response.as_ref().map_or(0, HttpMessage::bytes);
        size_of::<Self>() + texts + halves + self.faults.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use beseda_api::Time;

    use crate::journal::{
        HttpMessage, Journal, JournalEntry, JournalQuery, JournalVerdict, MAX_BYTES, MAX_ENTRIES,
    };

    fn entry(body: &str) -> JournalEntry {
        let mut reserved = String::with_capacity(4 * body.len());
        reserved.push_str(body);
        JournalEntry {
            id: 0,
            at: Time::moscow(jiff::Timestamp::UNIX_EPOCH),
            operation: "getChats".to_owned(),
            business_id: None,
            method: "POST".to_owned(),
            target: "/".to_owned(),
            status: Some(400),
            verdict: JournalVerdict::Request,
            reason: Some("x".to_owned()),
            advice: None,
            faults: vec![1],
            took_micros: 1,
            request: HttpMessage {
                headers: vec![("host".to_owned(), "x".to_owned())],
                body: Some(reserved),
                bytes: Some(body.len() as u64),
            },
            response: None,
            curl: body.to_owned(),
        }
    }

    fn all(journal: &Journal) -> Vec<JournalEntry> {
        journal.read(&JournalQuery { limit: Some(usize::MAX), ..JournalQuery::default() })
    }

    #[test]
    fn short_entries_are_limited_by_number() {
        let journal = Journal::default();
        (0..MAX_ENTRIES + 5).for_each(|_| journal.record(entry("short")));
        assert_eq!(all(&journal).len(), MAX_ENTRIES);
        assert_eq!(all(&journal)[0].id, 6);
    }

    #[test]
    fn long_entries_are_limited_by_memory_and_the_oldest_are_dropped_first() {
        let journal = Journal::default();
        let body = "x".repeat(60_000);
        (0..1_000).for_each(|_| journal.record(entry(&body)));
        let kept = all(&journal);
        let bytes: usize = kept.iter().map(JournalEntry::bytes).sum();
        // Each entry holds its body twice: as received, and in the curl command line.
        assert_eq!(kept.len(), MAX_BYTES / kept[0].bytes());
        assert!(bytes <= MAX_BYTES && kept[0].bytes() < 121_000, "{bytes}");
        let ids: Vec<u64> = kept.iter().map(|entry| entry.id).collect();
        assert!(ids.is_sorted() && ids.last() == Some(&1_000), "{ids:?}");
        assert_eq!(journal.entry(ids[0]).unwrap().id, ids[0]);
        assert!(journal.entry(ids[0] - 1).is_none());

        journal.record(entry("short"));
        assert_eq!(all(&journal).len(), kept.len() + 1, "what has gone makes room again");
        journal.clear();
        journal.record(entry(&body));
        assert_eq!((all(&journal).len(), all(&journal)[0].id), (1, 1_002));
    }

    #[test]
    fn an_entry_larger_than_the_limit_is_kept_alone() {
        let journal = Journal::default();
        journal.record(entry("short"));
        journal.record(entry(&"x".repeat(MAX_BYTES)));
        assert_eq!(all(&journal).len(), 1);
        journal.record(entry("short"));
        assert_eq!(all(&journal).len(), 1);
        assert_eq!(all(&journal)[0].id, 3);
    }
}
