//! The endpoint table: name, method, path, hourly limits and scopes of every operation. Client and server are both made from it.

use crate::{BusinessId, Scope};

/// The largest JSON body, in bytes (512 KB, [documented](https://yandex.ru/dev/market/partner-api/doc/ru/concepts/limits)).
pub const MAX_BODY_BYTES: usize = 512 * 1024;
/// The largest file, in bytes, inclusive (published as "5 Мбайт").
pub const MAX_FILE_BYTES: u64 = 5 * 1024 * 1024;

/// An HTTP method an operation uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
}

impl Method {
    /// The method in upper case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Which form of the paths is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Generation {
    /// Paths without a version, as of September 2024.
    Y2024,
    /// Paths with `/v2`, as of today.
    #[default]
    Y2026,
}

impl Generation {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Y2024, Self::Y2026];

    /// What stands before the resource: nothing or `/v2`.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Y2024 => "",
            Self::Y2026 => "/v2",
        }
    }
}

/// One operation of the published API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// `operationId`.
    pub name: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path after the version, with `{businessId}` where a cabinet stands.
    pub path: &'static str,
    /// Requests an hour on paths without a version.
    pub hourly_2024: u32,
    /// Requests an hour under `/v2`.
    pub hourly_2026: u32,
    /// The scopes of which a key needs one; empty: any scope will do.
    pub scopes: &'static [Scope],
}

const READ: &[Scope] = &[Scope::AllMethods, Scope::AllMethodsReadOnly, Scope::Communication];
const WRITE: &[Scope] = &[Scope::AllMethods, Scope::Communication];

impl Endpoint {
    /// List chats.
    pub const GET_CHATS: Self = Self {
        name: "getChats",
        method: Method::Post,
        path: "/businesses/{businessId}/chats",
        hourly_2024: 10_000,
        hourly_2026: 5_000,
        scopes: READ,
    };
    /// Read a chat.
    pub const GET_CHAT: Self = Self {
        name: "getChat",
        method: Method::Get,
        path: "/businesses/{businessId}/chat",
        hourly_2024: 1_000,
        hourly_2026: 1_000,
        scopes: READ,
    };
    /// Read a history.
    pub const GET_CHAT_HISTORY: Self = Self {
        name: "getChatHistory",
        method: Method::Post,
        path: "/businesses/{businessId}/chats/history",
        hourly_2024: 10_000,
        hourly_2026: 10_000,
        scopes: READ,
    };
    /// Read a message.
    pub const GET_CHAT_MESSAGE: Self = Self {
        name: "getChatMessage",
        method: Method::Get,
        path: "/businesses/{businessId}/chats/message",
        hourly_2024: 1_000,
        hourly_2026: 1_000,
        scopes: READ,
    };
    /// Create a chat.
    pub const CREATE_CHAT: Self = Self {
        name: "createChat",
        method: Method::Post,
        path: "/businesses/{businessId}/chats/new",
        hourly_2024: 1_000,
        hourly_2026: 1_000,
        scopes: WRITE,
    };
    /// Send a text.
    pub const SEND_MESSAGE_TO_CHAT: Self = Self {
        name: "sendMessageToChat",
        method: Method::Post,
        path: "/businesses/{businessId}/chats/message",
        hourly_2024: 1_000,
        hourly_2026: 1_000,
        scopes: WRITE,
    };
    /// Send a file.
    pub const SEND_FILE_TO_CHAT: Self = Self {
        name: "sendFileToChat",
        method: Method::Post,
        path: "/businesses/{businessId}/chats/file/send",
        hourly_2024: 1_000,
        hourly_2026: 1_000,
        scopes: WRITE,
    };
    /// List campaigns (shops) the credential sees.
    pub const GET_CAMPAIGNS: Self = Self {
        name: "getCampaigns",
        method: Method::Get,
        path: "/campaigns",
        hourly_2024: 1_000,
        hourly_2026: 1_000,
        scopes: &[],
    };
    /// Read about the Api-Key that is used.
    pub const GET_AUTH_TOKEN_INFO: Self = Self {
        name: "getAuthTokenInfo",
        method: Method::Post,
        path: "/auth/token",
        hourly_2024: 100,
        hourly_2026: 100,
        scopes: &[],
    };

    /// Every operation: the seven of chats, then the two neighbours a chat client needs.
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

    /// The place of this operation in [`Endpoint::ALL`].
    #[must_use]
    pub fn index(&self) -> usize {
        Self::ALL.iter().position(|other| other.name == self.name).unwrap_or(0)
    }

    /// The path to request: `/v2/businesses/1/chats`.
    #[must_use]
    pub fn request_path(&self, generation: Generation, business: Option<BusinessId>) -> String {
        let path = match business {
            Some(business) => self.path.replace("{businessId}", &business.to_string()),
            None => self.path.to_owned(),
        };
        format!("{}{path}", generation.prefix())
    }

    /// Requests allowed in an hour on paths of this generation.
    #[must_use]
    pub const fn hourly(&self, generation: Generation) -> u32 {
        match generation {
            Generation::Y2024 => self.hourly_2024,
            Generation::Y2026 => self.hourly_2026,
        }
    }
}
