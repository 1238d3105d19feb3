//! Settings of an engine.

/// Settings of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSettings {
    /// Public URL of the server without a trailing slash. File links start with it. Defaults to `http://127.0.0.1:8080`.
    pub public_url: String,
    /// Treatment of unregistered orders. Defaults to [`Orders::Strict`].
    pub orders: Orders,
    /// Chat in which a dispute is held. Defaults to [`Disputes::OwnChat`].
    pub disputes: Disputes,
    /// `true` keeps a chat that a buyer opened `NEW` until the shop answers; `false`, the default, makes it
    /// `WAITING_FOR_PARTNER` with the buyer's first message.
    pub new_until_answered: bool,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".to_owned(),
            orders: Orders::Strict,
            disputes: Disputes::OwnChat,
            new_until_answered: false,
        }
    }
}

/// Treatment of unregistered orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orders {
    /// An unregistered order is not found.
    Strict,
    /// Every order id exists in every cabinet: an unregistered order is registered at its first use.
    Open,
}

/// Chat in which a dispute is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disputes {
    /// Separate chat of type `ARBITRAGE`.
    OwnChat,
    /// Existing chat of the order or return, whose type becomes `ARBITRAGE`.
    InPlace,
}
