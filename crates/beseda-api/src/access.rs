//! Authentication and authorization: credentials, what they give access to, and the directory that
//! knows them.

use std::fmt;

use async_trait::async_trait;

use crate::{BusinessId, Campaign, Result, Scope};

/// Credential of a request. `Debug` does not print the secret.
///
/// ```
/// use beseda_api::Credential;
///
/// let key = Credential::ApiKey("ACMA:secret".to_owned());
/// assert_eq!(format!("{key:?}"), "ApiKey(…)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// Value of the `Api-Key` header.
    ApiKey(String),
    /// OAuth token.
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

/// Result of [`Directory::authenticate`].
///
/// ```
/// use beseda_api::{AuthResult, ErrorKind};
///
/// fn refusal(result: &AuthResult) -> Option<ErrorKind> {
///     match result {
///         AuthResult::Granted(_) => None,
///         AuthResult::Revoked | AuthResult::Unknown => Some(ErrorKind::Unauthorized),
///     }
/// }
/// assert_eq!(refusal(&AuthResult::Revoked), Some(ErrorKind::Unauthorized));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthResult {
    /// The credential is valid.
    Granted(Access),
    /// The credential was revoked.
    Revoked,
    /// The credential was never issued.
    Unknown,
}

/// Access rights of a credential.
///
/// ```
/// use beseda_api::{Access, BusinessId, Principal};
///
/// let (own, other) = (BusinessId::new(1)?, BusinessId::new(2)?);
/// let access = Access { principal: Principal::User { id: 7 }, businesses: vec![own] };
/// assert!(access.allows(own) && !access.allows(other));
/// # Ok::<(), beseda_api::IdOutOfRange>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Holder of the credential.
    pub principal: Principal,
    /// Cabinets the credential has access to.
    pub businesses: Vec<BusinessId>,
}

impl Access {
    /// Returns `true` if the credential has access to the cabinet.
    #[must_use]
    pub fn allows(&self, business: BusinessId) -> bool {
        self.businesses.contains(&business)
    }
}

/// Holder of a credential.
///
/// ```
/// use beseda_api::{Endpoint, Principal, Scope};
///
/// let program = Principal::ApiKey { name: "bot".to_owned(), scopes: vec![Scope::Communication] };
/// let Principal::ApiKey { scopes, .. } = program else { panic!("not a key") };
/// assert!(Endpoint::GET_CHATS.scopes.iter().any(|scope| scopes.contains(scope)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Program with an Api-Key.
    ApiKey {
        /// Name of the key.
        name: String,
        /// Scopes of the key.
        scopes: Vec<Scope>,
    },
    /// User with an OAuth token, which has no scopes.
    User {
        /// User id.
        id: i64,
    },
}

/// Directory of credentials and of the campaigns (shops) they belong to.
///
/// ```
/// use async_trait::async_trait;
/// use beseda_api::{AuthResult, BusinessId, Campaign, Credential, Directory, Result};
///
/// /// Knows no credentials.
/// struct Empty;
///
/// #[async_trait]
/// impl Directory for Empty {
///     async fn authenticate(&self, _: &Credential) -> Result<AuthResult> {
///         Ok(AuthResult::Unknown)
///     }
///     async fn campaigns(&self, _: &[BusinessId]) -> Result<Vec<Campaign>> {
///         Ok(Vec::new())
///     }
///     async fn ready(&self) -> Result<()> {
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let found = Empty.authenticate(&Credential::OAuth("y0_abc".to_owned())).await?;
/// assert_eq!(found, AuthResult::Unknown);
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Directory: Send + Sync {
    /// Looks a credential up.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`](crate::Error::Internal) only; an invalid credential is an
    /// [`AuthResult`].
    async fn authenticate(&self, credential: &Credential) -> Result<AuthResult>;

    /// Returns the campaigns of these cabinets, ordered by cabinet and id.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`](crate::Error::Internal) only.
    async fn campaigns(&self, businesses: &[BusinessId]) -> Result<Vec<Campaign>>;

    /// Checks that requests can be served, for the readiness probe.
    ///
    /// # Errors
    ///
    /// The reason why they can't.
    async fn ready(&self) -> Result<()>;
}
