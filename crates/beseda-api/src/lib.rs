//! The contract of the Yandex Market Partner Chats API: ids, types, the endpoint table and the traits everything else implements or calls.
//! It does no I/O: no sockets, no files, no timers.
//!
//! Two generations of the API are described at once: the five operations of 2024 (paths without `/v2`)
//! and the seven of today (`/v2`). Decoding is lenient (unknown fields are ignored, unknown enum words are
//! kept as `Unknown`), encoding is strict (what we write is what the published schema allows).
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
pub use clock::{Clock, ManualClock, SystemClock, Timer};
pub use endpoint::{Endpoint, Generation, MAX_BODY_BYTES, MAX_FILE_BYTES, Method};
pub use error::{ApiError, ApiErrorItem, Error, ErrorKind, RateLimit, ResponseInfo, Result};
pub use error_chain::ErrorChain;
pub use file::{ByteRange, Download, Downloads, FileId, FileName, FileStream, FileUpload};
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
