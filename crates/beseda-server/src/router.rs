//! Routing: maps a path of either version to a resource, and a method to an operation.

use beseda_api::{Endpoint, Generation};
use http::Method;

static TABLE: [Endpoint; 9] = Endpoint::ALL;

/// Operation of the published API, in the order of [`Endpoint::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    GetChats,
    GetChat,
    GetChatHistory,
    GetChatMessage,
    CreateChat,
    SendMessageToChat,
    SendFileToChat,
    GetCampaigns,
    GetAuthTokenInfo,
}

impl Operation {
    pub(crate) fn endpoint(self) -> &'static Endpoint {
        &TABLE[self as usize]
    }
}

/// Destination of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// Published path.
    Api { generation: Generation, resource: Resource, business: Option<&'a str> },
    /// `/files/` and the rest of the path.
    File(&'a str),
    /// `/market/v1/` and the rest of the path.
    Market(&'a str),
    /// `/admin/v1/` and the rest of the path.
    Admin(&'a str),
    /// Page about the server.
    Page(ServerPage),
    /// `/docs/` and the name of a file of the documentation page.
    DocsFile(&'a str),
    /// Unknown path.
    Unknown,
}

/// Page about the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerPage {
    /// Start page `/`, for browsers.
    Start,
    Health,
    Ready,
    Metrics,
    Version,
    OpenApi,
    Docs,
}

/// Published path with its operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resource(&'static [Operation]);

impl Resource {
    /// Returns the operation of this method.
    pub(crate) fn operation(self, method: &Method) -> Option<Operation> {
        let named = |op: &&Operation| op.endpoint().method.as_str() == method.as_str();
        self.0.iter().find(named).copied()
    }

    /// Returns the value of the `Allow` header.
    pub(crate) fn allow(self) -> &'static str {
        match self.0 {
            [_, _] => "GET, POST",
            [one] => one.endpoint().method.as_str(),
            _ => "",
        }
    }
}

/// Returns the resource below `/businesses/{businessId}/`.
fn of_cabinet(path: &str) -> Option<Resource> {
    use Operation as Op;
    Some(Resource(match path {
        "chats" => &[Op::GetChats],
        "chat" => &[Op::GetChat],
        "chats/history" => &[Op::GetChatHistory],
        "chats/message" => &[Op::GetChatMessage, Op::SendMessageToChat],
        "chats/new" => &[Op::CreateChat],
        "chats/file/send" => &[Op::SendFileToChat],
        _ => return None,
    }))
}

/// Matches a published path without its version and `.json`.
fn published(path: &str, generation: Generation) -> Route<'_> {
    let path = path.strip_suffix(".json").unwrap_or(path);
    let api = |resource, business| Route::Api { generation, resource, business };
    match path {
        "/campaigns" => return api(Resource(&[Operation::GetCampaigns]), None),
        "/auth/token" => return api(Resource(&[Operation::GetAuthTokenInfo]), None),
        _ => {}
    }
    path.strip_prefix("/businesses/")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(business, _)| !business.is_empty())
        .and_then(|(business, rest)| Some(api(of_cabinet(rest)?, Some(business))))
        .unwrap_or(Route::Unknown)
}

/// Matches a path.
pub(crate) fn match_path(path: &str) -> Route<'_> {
    if let Some(rest) = path.strip_prefix("/v2/") {
        return published(&path[path.len() - rest.len() - 1..], Generation::Y2026);
    }
    match path {
        "/" => return Route::Page(ServerPage::Start),
        "/healthz" => return Route::Page(ServerPage::Health),
        "/readyz" => return Route::Page(ServerPage::Ready),
        "/metrics" => return Route::Page(ServerPage::Metrics),
        "/version" => return Route::Page(ServerPage::Version),
        "/openapi.json" => return Route::Page(ServerPage::OpenApi),
        "/docs" | "/docs/" => return Route::Page(ServerPage::Docs),
        _ => {}
    }
    let below = |prefix| path.strip_prefix(prefix);
    below("/files/")
        .map(Route::File)
        .or_else(|| below("/docs/").map(Route::DocsFile))
        .or_else(|| below("/market/v1/").map(Route::Market))
        .or_else(|| below("/admin/v1/").map(Route::Admin))
        .unwrap_or_else(|| published(path, Generation::Y2024))
}

#[cfg(test)]
mod tests {
    use beseda_api::Generation;
    use http::Method;

    use super::{Route, TABLE, match_path};

    #[test]
    fn every_endpoint_of_the_table_is_found_in_both_generations_with_and_without_suffix() {
        for endpoint in &TABLE {
            for generation in Generation::ALL {
                for suffix in ["", ".json"] {
                    let path = endpoint.path.replace("{businessId}", "7");
                    let path = format!("{}{path}{suffix}", generation.prefix());
                    let Route::Api { generation: found, resource, business } = match_path(&path)
                    else {
                        panic!("{path} is unknown");
                    };
                    assert_eq!(found, generation);
                    assert_eq!(business.is_some(), endpoint.path.contains("{businessId}"));
                    let method: Method = endpoint.method.as_str().parse().unwrap();
                    let operation = resource.operation(&method).unwrap();
                    assert_eq!(operation.endpoint().name, endpoint.name);
                    assert!(resource.allow().contains(method.as_str()));
                }
            }
        }
    }

    #[test]
    fn neighbours_of_published_paths_are_unknown() {
        for path in [
            "/V2/businesses/1/chats",
            "/v1/businesses/1/chats",
            "/v2/v2/businesses/1/chats",
            "/v2/businesses/1/chats/",
            "/v2/businesses/1/chats/5",
            "/v2/businesses//chats",
            "/v2/businesses/chats",
            "/v2/businesses/1/chats.xml",
            "/v2/businesses/1/chats.json.json",
            "/v2//businesses/1/chats",
            "/v2",
            "/v2/",
            "//",
            "",
        ] {
            assert_eq!(match_path(path), Route::Unknown, "{path}");
        }
    }
}
