//! Types and traits of the Yandex Market Partner Chats API (чаты с покупателями): ids, chats, messages, the endpoint
//! table, the wire format, and the trait [`ChatsApi`] that servers, clients and wrappers implement.
//!
//! The crate does no I/O. It describes both generations of the API: the five operations of 2024 (unversioned paths) and
//! the seven of today (`/v2`). Decoding is lenient: unknown fields are ignored and unknown enum values are kept as
//! `Unknown`. Encoding is strict: it follows the published schema.
//!
//! ```
//! use beseda_api::{ChatStatus, wire::{Envelope, GetChats}};
//!
//! let body = r#"{"status":"OK","result":{"chats":[],"paging":{}}}"#;
//! let answer: Envelope<beseda_api::ChatPage> = serde_json::from_str(body)?;
//! assert!(answer.result.is_some_and(|page| page.chats.is_empty()));
//!
//! let request = GetChats { statuses: Some(vec![ChatStatus::WaitingForPartner]), ..GetChats::default() };
//! assert_eq!(serde_json::to_string(&request)?, r#"{"statuses":["WAITING_FOR_PARTNER"]}"#);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod access;
mod admin;
mod api;
mod campaign;

mod chat;
mod clock;
mod endpoint;
mod error;
mod error_chain;
mod file;
mod id;
mod json_object;
mod market;
mod message;
pub mod notification;
mod notification_queue;

mod open_enum;
mod page;
mod scope;
mod subscription;
mod time;
pub mod wire;

pub use access::{Access, AuthResult, Credential, Directory, Principal};
pub use admin::{
    Administration, ApiKeyInfo, Cabinet, IssuedKey, IssuedToken, NewCabinet, NewCampaign, NewKey,
    NewUser, TokenInfo, User,
};
pub use api::ChatsApi;
pub use campaign::{ApiAvailability, Business, Campaign, CampaignList, Pager, PlacementType};
pub use chat::{
    Chat, ChatContext, ChatFilter, ChatPage, ChatStatus, ChatType, ContextType, Customer,
    FullContext,
};
#[cfg(feature = "tokio")]
pub use clock::SystemTimer;
pub use clock::{Clock, ManualClock, SystemClock, Timer};
pub use endpoint::{Endpoint, Generation, MAX_BODY_BYTES, MAX_FILE_BYTES, Method};
pub use error::{ApiError, ApiErrorItem, Error, ErrorKind, RateLimit, ResponseInfo, Result};
pub use error_chain::ErrorChain;
pub use file::{
    ByteRange, Download, Downloads, FileId, FileName, FileStream, FileUpload, InvalidFileId,
};
pub use id::{BusinessId, CampaignId, ChatId, IdOutOfRange, MessageId, OrderId, ReturnId};
pub use market::{
    ChatOpening, DisputeOpening, DisputeTarget, MarketBody, MarketMessage, MarketSide, Model,
    NewOrder, NewReturn, Order, Return, WaitingFor, check_writer,
};
pub use message::{Attachment, Message, MessagePage, MessageText, Sender};
pub use notification_queue::{DeliveryAttempt, NotificationQueue, QueueAction, QueuedNotification};
pub use page::{ChatsLimit, HistoryFrom, HistoryLimit, Limit, PageRequest, PageToken, Paging};
pub use scope::{Scope, UnknownScope};
pub use subscription::{
    DeliveriesRequest, Delivery, DeliveryFailure, DeliveryOutcome, DeliveryPage, FailureKind,
    FailureReason, NewSubscription, Subscription, SubscriptionState, Subscriptions,
};
pub use time::Time;
