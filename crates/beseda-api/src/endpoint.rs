//! Endpoint table: name, method, path, hourly limits and scopes of every operation, used by client
//! and server.

use crate::{BusinessId, Scope};

/// Maximum size of a JSON body in bytes (512 KB, [documented](https://yandex.ru/dev/market/partner-api/doc/ru/concepts/limits)).
pub const MAX_BODY_BYTES: usize = 512 * 1024;
/// Maximum size of a file in bytes, inclusive (published as "5 Мбайт").
pub const MAX_FILE_BYTES: u64 = 5 * 1024 * 1024;

/// HTTP method of an operation.
///
/// ```
/// use beseda_api::{Endpoint, Method};
///
/// assert_eq!(Endpoint::GET_CHATS.method, Method::Post);
/// assert_eq!(Method::Post.as_str(), "POST");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
}

impl Method {
    /// Returns the method in upper case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Version of the API's paths.
///
/// ```
/// use beseda_api::{Endpoint, Generation};
///
/// assert_eq!(Generation::default(), Generation::Y2026);
/// assert_eq!(Endpoint::GET_CHATS.hourly(Generation::Y2024), 10_000);
/// assert_eq!(Endpoint::GET_CHATS.hourly(Generation::Y2026), 5_000);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Generation {
    /// Unversioned paths, as of September 2024.
    Y2024,
    /// Paths under `/v2`, as of today.
    #[default]
    Y2026,
}

impl Generation {
    /// Both versions.
    pub const ALL: [Self; 2] = [Self::Y2024, Self::Y2026];

    /// Returns the path prefix: empty or `/v2`.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Y2024 => "",
            Self::Y2026 => "/v2",
        }
    }
}

/// Operation of the published API.
///
/// ```
/// use beseda_api::{BusinessId, Endpoint, Generation};
///
/// let path = Endpoint::GET_CHAT.request_path(Generation::Y2026, Some(BusinessId::new(1)?));
/// assert_eq!(path, "/v2/businesses/1/chat");
/// assert!(Endpoint::ALL.contains(&Endpoint::GET_CHAT));
/// # Ok::<(), beseda_api::IdOutOfRange>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// Name, the published `operationId`.
    pub name: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path after the version, with the placeholder `{businessId}` for the cabinet.
    pub path: &'static str,
    /// Requests per hour on unversioned paths.
    pub hourly_2024: u32,
    /// Requests per hour under `/v2`.
    pub hourly_2026: u32,
    /// Scopes of which a key needs one; any scope will do if empty.
    pub scopes: &'static [Scope],
}

const READ: &[Scope] = &[Scope::AllMethods, Scope::AllMethodsReadOnly, Scope::Communication];
const WRITE: &[Scope] = &[Scope::AllMethods, Scope::Communication];

impl Endpoint {
    /// Lists chats.
    pub const GET_CHATS: Self = Self {
        name: "getChats",
        method: Method::Post,
        path: "/businesses/{businessId}/chats",
        hourly_2024: 10_000,
        hourly_2026: 5_000,
        scopes: READ,
    };
    /// Returns a chat.
    pub const GET_CHAT: Self = Self {
        name: "getChat",
        method: Method::Get,
        path: "/businesses/{businessId}/chat",
        hourly_2024: 1_000,
        hourly_2026: 1_000,
        scopes: READ,
    };
    /// Returns the messages of a chat.
    pub const GET_CHAT_HISTORY: Self = Self {
        name: "getChatHistory",
        method: Method::Post,
        path: "/businesses/{businessId}/chats/history",
        hourly_2024: 10_000,
        hourly_2026: 10_000,
        scopes: READ,
    };
    /// Returns a message.
    pub const GET_CHAT_MESSAGE: Self = Self {
        name: "getChatMessage",
        method: Method::Get,
        path: "/businesses/{businessId}/chats/message",
        hourly_2024: 1_000,
        hourly_2026: 1_000,
        scopes: READ,
    };
    /// Finds or creates a chat.
    pub const CREATE_CHAT: Self = Self {
        name: "createChat",
        method: Method::Post,
        path: "/businesses/{businessId}/chats/new",
        hourly_2024: 1_000,
        hourly_2026: 1_000,
        scopes: WRITE,
    };
    /// Sends a text.
    pub const SEND_MESSAGE_TO_CHAT: Self = Self {
        name: "sendMessageToChat",
        method: Method::Post,
        path: "/businesses/{businessId}/chats/message",
        hourly_2024: 1_000,
        hourly_2026: 1_000,
        scopes: WRITE,
    };
    /// Sends a file.
    pub const SEND_FILE_TO_CHAT: Self = Self {
        name: "sendFileToChat",
        method: Method::Post,
        path: "/businesses/{businessId}/chats/file/send",
        hourly_2024: 1_000,
        hourly_2026: 1_000,
        scopes: WRITE,
    };
    /// Lists the campaigns (shops) of the credential.
    pub const GET_CAMPAIGNS: Self = Self {
        name: "getCampaigns",
        method: Method::Get,
        path: "/campaigns",
        hourly_2024: 1_000,
        hourly_2026: 1_000,
        scopes: &[],
    };
    /// Returns information about the Api-Key of the request.
    pub const GET_AUTH_TOKEN_INFO: Self = Self {
        name: "getAuthTokenInfo",
        method: Method::Post,
        path: "/auth/token",
        hourly_2024: 100,
        hourly_2026: 100,
        scopes: &[],
    };

    /// Every operation: the seven of chats, then the two others that a chat client needs.
    pub const ALL: [Self; 9] = [
        Self::GET_CHATS,
        Self::GET_CHAT,
        Self::GET_CHAT_HISTORY,
        Self::GET_CHAT_MESSAGE,
        Self::CREATE_CHAT,
        Self::SEND_MESSAGE_TO_CHAT,
        Self::SEND_FILE_TO_CHAT,
        Self::GET_CAMPAIGNS,
        Self::GET_AUTH_TOKEN_INFO,
    ];

    /// Returns the index of this operation in [`Endpoint::ALL`].
    #[must_use]
    pub fn index(&self) -> usize {
        Self::ALL.iter().position(|other| other.name == self.name).unwrap_or(0)
    }

    /// Returns the request path, such as `/v2/businesses/1/chats`.
    #[must_use]
    pub fn request_path(&self, generation: Generation, business: Option<BusinessId>) -> String {
        let path = match business {
            Some(business) => self.path.replace("{businessId}", &business.to_string()),
            None => self.path.to_owned(),
        };
        format!("{}{path}", generation.prefix())
    }

    /// Returns the number of requests allowed per hour on paths of this version.
    #[must_use]
    pub const fn hourly(&self, generation: Generation) -> u32 {
        match generation {
            Generation::Y2024 => self.hourly_2024,
            Generation::Y2026 => self.hourly_2026,
        }
    }
}
