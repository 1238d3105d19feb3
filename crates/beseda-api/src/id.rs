//! Identifiers as distinct types, so that a chat id can't be passed as a message id.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Error of an identifier that is below 1 or not an `int64`.
///
/// ```
/// use beseda_api::{ChatId, IdOutOfRange};
///
/// assert_eq!(ChatId::new(0), Err(IdOutOfRange));
/// assert_eq!("twelve".parse::<ChatId>(), Err(IdOutOfRange));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdOutOfRange;

impl fmt::Display for IdOutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identifier is a whole number from 1 to 9223372036854775807")
    }
}

impl std::error::Error for IdOutOfRange {}

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        ///
        /// An `int64` of at least 1.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Creates an id from a number.
            ///
            /// # Errors
            ///
            /// [`IdOutOfRange`] below 1.
            pub const fn new(raw: i64) -> Result<Self, IdOutOfRange> {
                if raw >= 1 { Ok(Self(raw)) } else { Err(IdOutOfRange) }
            }

            /// Returns the id as a number.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl TryFrom<i64> for $name {
            type Error = IdOutOfRange;
            fn try_from(raw: i64) -> Result<Self, IdOutOfRange> {
                Self::new(raw)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdOutOfRange;
            fn from_str(text: &str) -> Result<Self, IdOutOfRange> {
                text.parse().map_err(|_| IdOutOfRange).and_then(Self::new)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_i64(self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(i64::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::Integer)
                    .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
                        utoipa::openapi::KnownFormat::Int64,
                    )))
                    .minimum(Some(1))
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    )+};
}

id! {
    /// Id of a cabinet (published as `businessId`), which owns campaigns, keys and chats.
    ///
    /// ```
    /// use beseda_api::BusinessId;
    ///
    /// let business: BusinessId = "1".parse()?;
    /// assert_eq!(business.get(), 1);
    /// # Ok::<(), beseda_api::IdOutOfRange>(())
    /// ```
    BusinessId;
    /// Id of a campaign, a shop of a cabinet (published as `campaignId`). Not the same number as
    /// the cabinet's.
    ///
    /// ```
    /// use beseda_api::CampaignId;
    ///
    /// assert_eq!(CampaignId::new(5)?.to_string(), "5");
    /// # Ok::<(), beseda_api::IdOutOfRange>(())
    /// ```
    CampaignId;
    /// Id of a chat, unique across all cabinets.
    ///
    /// ```
    /// use beseda_api::ChatId;
    ///
    /// let chat: ChatId = serde_json::from_str("9")?;
    /// assert_eq!(format!("{chat} {chat:?}"), "9 ChatId(9)");
    /// assert!(serde_json::from_str::<ChatId>("0").is_err());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ChatId;
    /// Id of a message. Ids grow strictly with time and look like Unix microseconds.
    ///
    /// ```
    /// use beseda_api::MessageId;
    ///
    /// let (first, second) = (MessageId::new(1_780_212_617_000_000)?, MessageId::new(1_780_212_618_000_000)?);
    /// assert!(second > first, "sent later");
    /// # Ok::<(), beseda_api::IdOutOfRange>(())
    /// ```
    MessageId;
    /// Id of an order on the marketplace.
    ///
    /// ```
    /// use beseda_api::{ChatContext, OrderId};
    ///
    /// let about = ChatContext::Order(OrderId::new(42)?);
    /// assert_eq!(about.id(), 42);
    /// # Ok::<(), beseda_api::IdOutOfRange>(())
    /// ```
    OrderId;
    /// Id of a return of (a part of) an order.
    ///
    /// ```
    /// use beseda_api::{ChatContext, ReturnId};
    ///
    /// let about = ChatContext::Return(ReturnId::new(12)?);
    /// assert_eq!(about.id(), 12);
    /// # Ok::<(), beseda_api::IdOutOfRange>(())
    /// ```
    ReturnId;
}

#[cfg(test)]
mod tests {
    use super::ChatId;

    #[test]
    fn an_id_below_one_does_not_decode() {
        for raw in ["0", "-1", "1.5", "\"7\"", "9223372036854775808"] {
            assert!(serde_json::from_str::<ChatId>(raw).is_err(), "{raw}");
        }
        assert_eq!(serde_json::from_str::<ChatId>("7").map(ChatId::get).ok(), Some(7));
    }
}
