//! Language of a page, and weights of values in `Accept` headers.

use http::{HeaderMap, header};

use crate::start_page::LocalizedText;

/// Language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageLanguage {
    English,
    Russian,
}

impl PageLanguage {
    /// Returns the language of this code, such as `ru`.
    pub(super) fn named(code: &str) -> Option<Self> {
        match code {
            "en" => Some(Self::English),
            "ru" => Some(Self::Russian),
            _ => None,
        }
    }

    /// Returns the language preferred by `Accept-Language`; English by default.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let weight = |language| weight(headers, &header::ACCEPT_LANGUAGE, language);
        if weight("ru") > weight("en") { Self::Russian } else { Self::English }
    }

    pub(super) fn pick<'a>(self, english: &'a str, russian: &'a str) -> &'a str {
        match self {
            Self::English => english,
            Self::Russian => russian,
        }
    }

    pub(super) fn of_both(self, words: &LocalizedText) -> &str {
        self.pick(&words.english, &words.russian)
    }
}

/// Returns the weight, in thousandths, of a value in a header such as `ru-RU, en;q=0.5`; 0 if it is
/// absent.
pub(super) fn weight(headers: &HeaderMap, name: &header::HeaderName, wanted: &str) -> u32 {
    let lists = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let items = lists.flat_map(|list| list.split(','));
    let weights = items.filter_map(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts.next()?;
        // `ru-RU` counts as `ru`.
        let language = *name == header::ACCEPT_LANGUAGE;
        let named = if language { named.split('-').next()? } else { named };
        if !named.eq_ignore_ascii_case(wanted) {
            return None;
        }
        let quality = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1");
        let quality: f32 = quality.parse().ok().filter(|quality| (0.0..=1.0).contains(quality))?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 1000"
        )]
        Some((quality * 1000.0) as u32)
    });
    weights.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::{PageLanguage, weight};

    fn headers(name: &header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name.clone(), HeaderValue::from_static(value))])
    }

    #[test]
    fn the_language_with_the_larger_weight_is_chosen() {
        let of = |value| PageLanguage::of(&headers(&header::ACCEPT_LANGUAGE, value));
        for russian in ["ru", "ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", "de, ru;q=0.1", "en;q=0.5, RU"]
        {
            assert_eq!(of(russian), PageLanguage::Russian, "{russian}");
        }
        for english in ["", "*", "de", "en-GB,ru;q=0.9", "ru;q=0", "ru;q=much", "ru;q=9,en;q=0.1"] {
            assert_eq!(of(english), PageLanguage::English, "{english}");
        }
    }

    #[test]
    fn html_is_accepted_only_by_name() {
        let wanted = |value| weight(&headers(&header::ACCEPT, value), &header::ACCEPT, "text/html");
        assert_eq!(wanted("text/html,application/xhtml+xml,*/*;q=0.8"), 1000);
        assert_eq!(wanted("application/json, Text/HTML; q=0.25"), 250);
        for other in ["*/*", "application/json", "text/*", "text/html;q=0", "text/html-x"] {
            assert_eq!(wanted(other), 0, "{other}");
        }
    }
}
