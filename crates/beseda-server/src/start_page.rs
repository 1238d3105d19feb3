//! What the page at `/` shows besides the server's own: pages that the embedding program serves beside it, and where keys come from.

/// What the page at `/` shows a browser besides what the server itself serves.
///
/// ```
/// use beseda_server::{StartPage, LocalizedText};
///
/// let page = StartPage::new()
///     .keys(LocalizedText::new("Ask the operator for a key.", "Ключ выдаёт администратор."))
///     .link("/inbox/", LocalizedText::new("The inbox", "Рабочее место оператора"));
/// # drop(page);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StartPage {
    pub(crate) keys: Option<LocalizedText>,
    pub(crate) links: Vec<(String, LocalizedText)>,
}

impl StartPage {
    /// Shows nothing besides what the server itself serves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the sentence that says where to get an Api-Key or a token.
    #[must_use]
    pub fn keys(mut self, words: LocalizedText) -> Self {
        self.keys = Some(words);
        self
    }

    /// Adds a link to a page that is served at the same address, with what it is.
    #[must_use]
    pub fn link(mut self, path: impl Into<String>, words: LocalizedText) -> Self {
        self.links.push((path.into(), words));
        self
    }
}

/// A text in both languages of the page. It is shown as it is: markup in it is escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalizedText {
    pub(crate) english: String,
    pub(crate) russian: String,
}

impl LocalizedText {
    /// Takes the text in both languages.
    #[must_use]
    pub fn new(english: impl Into<String>, russian: impl Into<String>) -> Self {
        Self { english: english.into(), russian: russian.into() }
    }
}
