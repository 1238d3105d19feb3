//! Removes credentials from journal entries.

use std::sync::LazyLock;

use regex::Regex;

/// Returns a header value without its secret.
pub(crate) fn header(name: &str, value: &str) -> String {
    match name {
        "api-key" => match value.split_once(':') {
            Some((prefix, _)) => format!("{prefix}:…"),
            None => "…".to_owned(),
        },
        "authorization" => match value.trim().split_once(' ') {
            Some((scheme, _)) => format!("{scheme} …"),
            None => "…".to_owned(),
        },
        "cookie" | "set-cookie" | "proxy-authorization" => "…".to_owned(),
        _ => value.to_owned(),
    }
}

/// Returns a body without credentials.
pub(crate) fn body(text: &str) -> String {
    static SECRETS: LazyLock<Regex> = LazyLock::new(|| {
        let secret = r#"(?x) ( "(?:apiKey|oauthToken|marketKey|adminKey|adminUrl)" \s* : \s* ) "[^"]*"
            | ACMA:[A-Za-z0-9]{40}:[0-9a-fA-F]{8,9} | y0_[A-Za-z0-9_-]{20,}"#;
        Regex::new(secret).expect("the pattern is fixed")
    });
    let hidden = |found: &regex::Captures<'_>| match found.get(1) {
        Some(field) => format!("{}\"…\"", field.as_str()),
        None => "…".to_owned(),
    };
    SECRETS.replace_all(text, hidden).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{body, header};

    #[test]
    fn no_credential_is_left() {
        assert_eq!(header("api-key", "ACMA:secret:12345678"), "ACMA:…");
        assert_eq!(header("authorization", "Bearer secret"), "Bearer …");
        assert_eq!(header("authorization", "secret"), "…");
        assert_eq!(header("accept", "*/*"), "*/*");
        let issued = r#"{"id":1,"apiKey": "ACMA:x"}"#;
        assert_eq!(body(issued), r#"{"id":1,"apiKey": "…"}"#);
        let ready = r#"{"adminUrl":"http://127.0.0.1:1/__admin/#key=admin-x"}"#;
        assert_eq!(body(ready), r#"{"adminUrl":"…"}"#);
        let told = format!("my key is ACMA:{}:0123abcd!", "a".repeat(40));
        assert_eq!(body(&told), "my key is …!");
    }
}
