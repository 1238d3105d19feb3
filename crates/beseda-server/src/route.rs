//! Which resource a path means, in either generation. Methods are checked here too; who may call is the gate's business.

use beseda_api::{Endpoint, Generation};
use http::Method;

static TABLE: [Endpoint; 9] = Endpoint::ALL;

/// An operation of the published API, in the order of [`Endpoint::ALL`].
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

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// A published path.
    Api { generation: Generation, resource: Resource, business: Option<&'a str> },
    /// `/files/` and what follows.
    File(&'a str),
    /// `/market/v1/` and what follows.
    Market(&'a str),
    /// `/admin/v1/` and what follows.
    Admin(&'a str),
    /// A page about the server itself.
    Page(Page),
    /// Nothing we have.
    Unknown,
}

/// A page about the server itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// `/`, for browsers.
    Start,
    Health,
    Ready,
    Metrics,
    Version,
    OpenApi,
    Docs,
}

/// A published path and the operations it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resource(&'static [Operation]);

impl Resource {
    /// The operation of this method.
    pub(crate) fn operation(self, method: &Method) -> Option<Operation> {
        let named = |op: &&Operation| op.endpoint().method.as_str() == method.as_str();
        self.0.iter().find(named).copied()
    }

    /// The methods it has, as the `Allow` header lists them.
    pub(crate) fn allow(self) -> &'static str {
        match self.0 {
            [_, _] => "GET, POST",
            [one] => one.endpoint().method.as_str(),
            _ => "",
        }
    }
}

/// The resource below `/businesses/{businessId}/`.
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

/// A published path after its version and without its `.json`.
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

/// What a path means.
pub(crate) fn recognise(path: &str) -> Route<'_> {
    if let Some(rest) = path.strip_prefix("/v2/") {
        return published(&path[path.len() - rest.len() - 1..], Generation::Y2026);
    }
    match path {
        "/" => return Route::Page(Page::Start),
        "/healthz" => return Route::Page(Page::Health),
        "/readyz" => return Route::Page(Page::Ready),
        "/metrics" => return Route::Page(Page::Metrics),
        "/version" => return Route::Page(Page::Version),
        "/openapi.json" => return Route::Page(Page::OpenApi),
        "/docs" | "/docs/" => return Route::Page(Page::Docs),
        _ => {}
    }
    let below = |prefix| path.strip_prefix(prefix);
    below("/files/")
        .map(Route::File)
        .or_else(|| below("/market/v1/").map(Route::Market))
        .or_else(|| below("/admin/v1/").map(Route::Admin))
        .unwrap_or_else(|| published(path, Generation::Y2024))
}

#[cfg(test)]
mod tests {
    use beseda_api::Generation;
    use http::Method;

    use super::{Route, TABLE, recognise};

    #[test]
    fn every_endpoint_of_the_table_is_found_in_both_generations_with_and_without_suffix() {
        for endpoint in &TABLE {
            for generation in Generation::ALL {
                for suffix in ["", ".json"] {
                    let path = endpoint.path.replace("{businessId}", "7");
                    let path = format!("{}{path}{suffix}", generation.prefix());
                    let Route::Api { generation: found, resource, business } = recognise(&path)
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
            assert_eq!(recognise(path), Route::Unknown, "{path}");
        }
    }
}
