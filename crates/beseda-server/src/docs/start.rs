//! Start page at `/` for browsers: links to documentation and other pages, and where keys come
//! from.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use beseda_api::Result;
use http::{HeaderMap, HeaderValue, Method, header};
use sha2::{Digest, Sha256};

use super::page::{STYLE, escape};
use crate::{
    Server,
    request::RequestContext,
    response::{self, ApiResponse},
    start_page::LocalizedText,
};

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

    fn of_both(self, words: &LocalizedText) -> &str {
        self.pick(&words.english, &words.russian)
    }
}

/// Answers `GET /` with the page if HTML is accepted.
///
/// # Errors
///
/// 404 for clients that don't accept HTML.
pub(crate) fn page(call: &RequestContext<'_>) -> Result<ApiResponse> {
    let headers = &call.parts.headers;
    let reads = matches!(call.parts.method, Method::GET | Method::HEAD);
    if !reads || weight(headers, &header::ACCEPT, "text/html") == 0 {
        return Err(response::resource_not_found());
    }
    let language = PageLanguage::of(headers);
    let html = render(call.server, language);
    let answer = response::text("text/html; charset=utf-8", html.into());
    let ApiResponse::Full(mut response) = answer else { return Ok(answer) };
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    let code = HeaderValue::from_static(language.pick("en", "ru"));
    headers.insert(header::CONTENT_LANGUAGE, code);
    // Other clients get a 404 at the same address, so the page must not be cached.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(ApiResponse::Full(response))
}

/// Returns the weight, in thousandths, of a value in a header such as `ru-RU, en;q=0.5`; 0 if it is
/// absent.
fn weight(headers: &HeaderMap, name: &header::HeaderName, wanted: &str) -> u32 {
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

/// Returns a policy that allows only the inline style.
fn policy() -> String {
    let style = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

fn render(server: &Server, language: PageLanguage) -> String {
    let say = |english, russian| language.pick(english, russian);
    let page = &server.services.start_page;
    let mut html = String::with_capacity(8 * 1024);
    // Writing to a String can't fail.
    let _ = write!(
        html,
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><link rel=\"icon\" href=\"data:,\">\
         <title>Beseda</title><style>{STYLE}</style></head><body><main><h1>Beseda</h1><p>{}</p>",
        say("en", "ru"),
        say(
            "This is a server of the Yandex Market Partner Chats API. It is for programs; this page says where things are.",
            "Это сервер API чатов Яндекс Маркета для продавцов. Он для программ, а эта страница подскажет, где что находится.",
        ),
    );
    let _ = write!(html, "<h2>{}</h2><ul>", say("Pages", "Страницы"));
    for (path, words) in &page.links {
        link(&mut html, path, language.of_both(words));
    }
    for (path, english, russian) in served(server) {
        link(&mut html, path, say(english, russian));
    }
    let keys = page.keys.as_ref().map(|words| language.of_both(words));
    let keys = keys.unwrap_or(say(
        "They are issued by whoever runs this server.",
        "Их выдаёт тот, кто держит этот сервер.",
    ));
    let _ = write!(
        html,
        "</ul><h2>{}</h2><p>{}</p><p>{}</p></main></body></html>",
        say("Keys", "Ключи"),
        say(
            "Every call needs <code>Api-Key: ACMA:…</code> or <code>Authorization: Bearer …</code>.",
            "К каждому вызову нужен <code>Api-Key: ACMA:…</code> или <code>Authorization: Bearer …</code>.",
        ),
        escape(keys),
    );
    html
}

fn link(html: &mut String, path: &str, words: &str) {
    let (path, words) = (escape(path), escape(words));
    let _ = write!(html, "<li><a href=\"{path}\">{path}</a><br>{words}</li>");
}

/// Returns the server's own pages: path and title in English and Russian.
fn served(server: &Server) -> Vec<(&'static str, &'static str, &'static str)> {
    let (settings, services) = (&server.settings, &server.services);
    let mut pages = Vec::new();
    if settings.docs {
        pages.push(("/docs", "The documentation", "Документация"));
        pages.push((
            "/openapi.json",
            "The same as an OpenAPI document, for programs",
            "Она же документом OpenAPI, для программ",
        ));
        if services.market.is_some() && server.auth.has_market_key() {
            pages.push((
                "/market/v1/openapi.json",
                "The marketplace's side, for programs",
                "Сторона Маркета, для программ",
            ));
        }
        if services.admin.is_some() && server.auth.has_admin_key() {
            pages.push((
                "/admin/v1/openapi.json",
                "Administration, for programs",
                "Администрирование, для программ",
            ));
        }
    }
    pages.push(("/readyz", "Whether it can serve", "Готов ли сервер к работе"));
    if settings.metrics {
        pages.push(("/metrics", "Figures for Prometheus", "Показатели для Prometheus"));
    }
    pages.push(("/version", "Which version it is", "Версия"));
    pages
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::{PageLanguage, weight};

    fn headers(name: &header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name.clone(), HeaderValue::from_static(value))])
    }

    #[test]
    fn the_language_is_the_one_that_is_liked_more() {
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
    fn html_is_wanted_only_by_name() {
        let wanted = |value| weight(&headers(&header::ACCEPT, value), &header::ACCEPT, "text/html");
        assert_eq!(wanted("text/html,application/xhtml+xml,*/*;q=0.8"), 1000);
        assert_eq!(wanted("application/json, Text/HTML; q=0.25"), 250);
        for other in ["*/*", "application/json", "text/*", "text/html;q=0", "text/html-x"] {
            assert_eq!(wanted(other), 0, "{other}");
        }
    }
}
