//! Start page at `/` for browsers: links to documentation and other pages, and where keys come
//! from.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use beseda_api::Result;
use http::{HeaderValue, Method, header};
use sha2::{Digest, Sha256};

use super::{
    language::{PageLanguage, weight},
    page::{STYLE, escape},
};
use crate::{
    Server,
    request::RequestContext,
    response::{self, ApiResponse},
};

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
            "This is a server of the Yandex Market Partner Chats API. These are its pages.",
            "Это сервер API чатов Яндекс Маркета для продавцов. Его страницы:",
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
        "They are issued by the operator of this server.",
        "Их выдаёт администратор этого сервера.",
    ));
    let _ = write!(
        html,
        "</ul><h2>{}</h2><p>{}</p><p>{}</p></main></body></html>",
        say("Keys", "Ключи"),
        say(
            "Every request needs <code>Api-Key: ACMA:…</code> or <code>Authorization: Bearer …</code>.",
            "Для каждого запроса нужен <code>Api-Key: ACMA:…</code> или <code>Authorization: Bearer …</code>.",
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
        pages.push(("/docs", "Documentation", "Документация"));
        pages.push((
            "/openapi.json",
            "OpenAPI document of the published API",
            "Документ OpenAPI опубликованного API",
        ));
        if services.market.is_some() && server.auth.has_market_key() {
            pages.push((
                "/market/v1/openapi.json",
                "OpenAPI document of the marketplace API",
                "Документ OpenAPI маркетплейса",
            ));
        }
        if services.admin.is_some() && server.auth.has_admin_key() {
            pages.push((
                "/admin/v1/openapi.json",
                "OpenAPI document of the administration API",
                "Документ OpenAPI администрирования",
            ));
        }
    }
    pages.push(("/readyz", "Readiness", "Готов ли сервер к работе"));
    if settings.metrics {
        pages.push(("/metrics", "Metrics for Prometheus", "Метрики для Prometheus"));
    }
    pages.push(("/version", "Version", "Версия"));
    pages
}
