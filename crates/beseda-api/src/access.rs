//! Who is calling and what they may touch: the question a server's gate asks. How credentials are kept is the engine's business.

use std::fmt;

use async_trait::async_trait;

use crate::{BusinessId, Campaign, Result, Scope};

/// A credential as it was presented. Never shown: its `Debug` hides the secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// The value of the `Api-Key` header.
    ApiKey(String),
    /// An OAuth token.
    OAuth(String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ApiKey(_) => "ApiKey(…)",
            Self::OAuth(_) => "OAuth(…)",
        })
    }
}

/// What a directory says of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthResult {
    /// It is good.
    Granted(Access),
    /// It was good once.
    Revoked,
    /// It was never given out.
    Unknown,
}

/// What the principal of a credential may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Who holds it.
    pub principal: Principal,
    /// The cabinets it opens.
    pub businesses: Vec<BusinessId>,
}

impl Access {
    /// Whether it opens this cabinet.
    #[must_use]
    pub fn allows(&self, business: BusinessId) -> bool {
        self.businesses.contains(&business)
    }
}

/// Who holds a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A program with an Api-Key.
    ApiKey {
        /// The key's name.
        name: String,
        /// What it may do.
        scopes: Vec<Scope>,
    },
    /// A user with an OAuth token, which has no scopes by method.
    User {
        /// The user's id.
        id: i64,
    },
}

/// Credentials and the shops behind them.
#[async_trait]
pub trait Directory: Send + Sync {
    /// What this credential opens.
    ///
    /// # Errors
    /// Only breakages: a bad credential is a [`AuthResult`].
    async fn authenticate(&self, credential: &Credential) -> Result<AuthResult>;

    /// The shops of these cabinets, by cabinet and id.
    ///
    /// # Errors
    /// Only breakages.
    async fn campaigns(&self, businesses: &[BusinessId]) -> Result<Vec<Campaign>>;

    /// Whether requests can be served now.
    ///
    /// # Errors
    /// What stands in the way.
    async fn ready(&self) -> Result<()>;
}
