//! Additional contents of the start page at `/`: pages of the embedding program, and where keys
//! come from.

/// Additional contents of the page at `/`.
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
    /// Creates an empty page.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the sentence that says where to get a key or token.
    #[must_use]
    pub fn keys(mut self, words: LocalizedText) -> Self {
        self.keys = Some(words);
        self
    }

    /// Adds a link to a page at the same address.
    #[must_use]
    pub fn link(mut self, path: impl Into<String>, words: LocalizedText) -> Self {
        self.links.push((path.into(), words));
        self
    }
}

/// Text in English and Russian. HTML in it is escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalizedText {
    pub(crate) english: String,
    pub(crate) russian: String,
}

impl LocalizedText {
    /// Creates a text from both languages.
    #[must_use]
    pub fn new(english: impl Into<String>, russian: impl Into<String>) -> Self {
        Self { english: english.into(), russian: russian.into() }
    }
}
