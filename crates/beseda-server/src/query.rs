//! Query parameters with the documented error texts. Unknown ones are ignored.

use std::{borrow::Cow, str::FromStr};

use beseda_api::{Error, Limit, PageRequest, PageToken, Result};

/// Query of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueryString<'a>(pub(crate) &'a str);

impl<'a> QueryString<'a> {
    /// Returns the value of a parameter. Repeated equal values count once; different ones are
    /// joined by commas, as the published server's framework does, and are thus neither a number
    /// nor a token.
    pub(crate) fn text(self, name: &str) -> Option<Cow<'a, str>> {
        let mut found: Option<Cow<'a, str>> = None;
        for (key, value) in form_urlencoded::parse(self.0.as_bytes()) {
            if key != name {
                continue;
            }
            match &mut found {
                None => found = Some(value),
                Some(first) if *first == value => {}
                Some(first) => {
                    let joined = first.to_mut();
                    joined.push(',');
                    joined.push_str(&value);
                }
            }
        }
        found
    }

    /// Returns a whole number that may be left out. An empty value is an absent one.
    pub(crate) fn optional_number(self, name: &str) -> Result<Option<i64>> {
        let given = self.text(name).filter(|text| !text.is_empty());
        given.map(|text| parse(&text)).transpose()
    }

    /// Returns a required id.
    pub(crate) fn id<T: TryFrom<i64>>(self, name: &str) -> Result<T> {
        let missing =
            || Error::bad_request(format!("Required request parameter '{name}' is not present"));
        id(name, parse(&self.text(name).ok_or_else(missing)?)?)
    }

    /// Returns `limit` and page token in either spelling. An empty value counts as absent.
    pub(crate) fn page<const MAX: u32>(self) -> Result<PageRequest<MAX>> {
        let limit = self.optional_number("limit")?.map(Limit::new).transpose()?;
        Ok(PageRequest { limit, token: self.token() })
    }

    /// Returns the page token: `pageToken` takes precedence over `page_token`.
    pub(crate) fn token(self) -> Option<PageToken> {
        let given = |name| self.text(name).filter(|token| !token.is_empty());
        let token = given("pageToken").or_else(|| given("page_token"))?;
        Some(PageToken::new(token.into_owned()))
    }
}

/// Parses an integer.
pub(crate) fn parse<T: FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::bad_request(format!("Type mismatch: '{}'", shown(text))))
}

/// Converts a number to an id.
pub(crate) fn id<T: TryFrom<i64>>(name: &str, raw: i64) -> Result<T> {
    T::try_from(raw).map_err(|_| {
        let text = format!("{name} must be greater than or equal to 1 (rejected value: {raw})");
        Error::bad_request(text)
    })
}

/// Returns a value for an error text, shortened.
pub(crate) fn shown(value: &str) -> String {
    const MOST: usize = 100;
    match value.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use beseda_api::ChatId;

    use super::QueryString;

    #[test]
    fn a_repeated_parameter_counts_once_if_equal_and_is_no_number_if_not() {
        assert_eq!(QueryString("chatId=5&chatId=5").id::<ChatId>("chatId").unwrap().get(), 5);
        let refused = QueryString("chatId=5&chatId=6").id::<ChatId>("chatId").unwrap_err();
        assert_eq!(refused.to_string(), "Type mismatch: '5,6'");
    }

    #[test]
    fn the_new_spelling_of_the_token_wins_and_an_empty_one_is_none() {
        let token =
            |query| QueryString(query).page::<20>().unwrap().token.map(|t| t.as_str().to_owned());
        assert_eq!(token("page_token=old&pageToken=new").as_deref(), Some("new"));
        assert_eq!(token("page_token=a%3D%3D").as_deref(), Some("a=="));
        assert_eq!(token("pageToken=&page_token=old").as_deref(), Some("old"));
        assert_eq!(token("pageToken="), None);
    }

    #[test]
    fn an_empty_limit_is_an_absent_one() {
        assert_eq!(QueryString("limit=").page::<20>().unwrap().limit, None);
        assert!(QueryString("limit=%20").page::<20>().is_err());
    }
}
