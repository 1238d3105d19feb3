//! What the page at `/` shows besides the server's own: pages that the embedding program serves beside it, and where keys come from.

/// What the page at `/` shows a browser besides what the server itself serves.
///
/// ```
/// use beseda_server::{StartPage, Words};
///
/// let page = StartPage::new()
///     .keys(Words::new("Ask the operator for a key.", "Ключ выдаёт администратор."))
///     .link("/inbox/", Words::new("The inbox", "Рабочее место оператора"));
/// # drop(page);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StartPage {
    pub(crate) keys: Option<Words>,
    pub(crate) links: Vec<(String, Words)>,
}

impl StartPage {
    /// Shows nothing besides what the server itself serves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the sentence that says where to get an Api-Key or a token.
    #[must_use]
    pub fn keys(mut self, words: Words) -> Self {
        self.keys = Some(words);
        self
    }

    /// Adds a link to a page that is served at the same address, with what it is.
    #[must_use]
    pub fn link(mut self, path: impl Into<String>, words: Words) -> Self {
        self.links.push((path.into(), words));
        self
    }
}

/// A text in both languages of the page. It is shown as it is: markup in it is escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    pub(crate) english: String,
    pub(crate) russian: String,
}

impl Words {
    /// Takes the text in both languages.
    #[must_use]
    pub fn new(english: impl Into<String>, russian: impl Into<String>) -> Self {
        Self { english: english.into(), russian: russian.into() }
    }
}
