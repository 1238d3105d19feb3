//! [`StaticDirectory`]: a `Directory` of credentials and campaigns given in code.

use std::fmt;

use crate::{
    CredentialHash,
    auth::credential::{is_api_key, is_token},
};
use async_trait::async_trait;
use beseda_api::{
    Access, ApiAvailability, AuthResult, Business, BusinessId, Campaign, CampaignId, Credential,
    Directory, PlacementType, Principal, Result, Scope,
};

/// Fixed Api-Keys, OAuth tokens and campaigns. Secrets are kept as SHA-256 and compared in constant
/// time.
#[derive(Clone, Default)]
pub struct StaticDirectory {
    known: Vec<(CredentialHash, Access)>,
    campaigns: Vec<Campaign>,
}

impl StaticDirectory {
    /// Creates an empty directory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an Api-Key that opens these cabinets with these scopes.
    ///
    /// By default the server refuses keys of another form than `ACMA:…` before it asks a directory:
    /// [`ServerSettings::api_key_format`](crate::ServerSettings::api_key_format).
    ///
    /// # Errors
    /// If the key is empty, can't be sent in a header or is known already, and if there is no cabinet or no scope.
    pub fn api_key(
        self,
        key: &str,
        businesses: impl IntoIterator<Item = BusinessId>,
        scopes: impl IntoIterator<Item = Scope>,
    ) -> Result<Self, StaticDirectoryError> {
        let name = format!("Api-Key {}", self.known.len() + 1);
        let scopes: Vec<Scope> = scopes.into_iter().collect();
        if scopes.is_empty() {
            return Err(StaticDirectoryError::NoScope);
        }
        check(key, is_api_key)?;
        let holder = Principal::ApiKey { name, scopes };
        self.add(&Credential::ApiKey(key.to_owned()), holder, businesses)
    }

    /// Adds an OAuth token of a user with full access to these cabinets.
    ///
    /// # Errors
    ///
    /// If the token is empty, not valid in a header, a duplicate, or without cabinets.
    pub fn oauth_token(
        self,
        token: &str,
        businesses: impl IntoIterator<Item = BusinessId>,
    ) -> Result<Self, StaticDirectoryError> {
        check(token, is_token)?;
        let id = i64::try_from(self.known.len() + 1).unwrap_or(i64::MAX);
        self.add(&Credential::OAuth(token.to_owned()), Principal::User { id }, businesses)
    }

    /// Adds a campaign (shop) to a cabinet; clients find the ids of their cabinets in getCampaigns.
    #[must_use]
    pub fn campaign(mut self, business: BusinessId, id: CampaignId, name: &str) -> Self {
        self.campaigns.push(Campaign {
            id: Some(id),
            domain: Some(name.to_owned()),
            client_id: None,
            business: Some(Business { id: Some(business), name: Some(name.to_owned()) }),
            placement_type: Some(PlacementType::Fbs),
            api_availability: Some(ApiAvailability::Available),
        });
        self
    }

    fn add(
        mut self,
        credential: &Credential,
        holder: Principal,
        businesses: impl IntoIterator<Item = BusinessId>,
    ) -> Result<Self, StaticDirectoryError> {
        let mut businesses: Vec<BusinessId> = businesses.into_iter().collect();
        businesses.sort_unstable();
        businesses.dedup();
        if businesses.is_empty() {
            return Err(StaticDirectoryError::NoBusiness);
        }
        let hash = CredentialHash::new(credential);
        if self.find(credential).is_some() {
            return Err(StaticDirectoryError::Duplicate);
        }
        self.known.push((hash, Access { principal: holder, businesses }));
        Ok(self)
    }

    /// Compares with every credential, so that the duration reveals nothing.
    fn find(&self, credential: &Credential) -> Option<&Access> {
        let given = CredentialHash::new(credential);
        self.known.iter().fold(
            None,
            |found, (known, access)| {
                if known.equals(&given) { Some(access) } else { found }
            },
        )
    }
}

fn check(secret: &str, sendable: fn(&str) -> bool) -> Result<(), StaticDirectoryError> {
    match secret {
        "" => Err(StaticDirectoryError::Empty),
        secret if sendable(secret) => Ok(()),
        _ => Err(StaticDirectoryError::NotSendable),
    }
}

impl fmt::Debug for StaticDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("StaticDirectory");
        shown.field("credentials", &self.known.len()).field("campaigns", &self.campaigns.len());
        shown.finish()
    }
}

#[async_trait]
impl Directory for StaticDirectory {
    async fn authenticate(&self, credential: &Credential) -> Result<AuthResult> {
        Ok(match self.find(credential) {
            Some(access) => AuthResult::Granted(access.clone()),
            None => AuthResult::Unknown,
        })
    }

    async fn campaigns(&self, businesses: &[BusinessId]) -> Result<Vec<Campaign>> {
        let of = |campaign: &&Campaign| {
            let business = campaign.business.as_ref().and_then(|business| business.id);
            business.is_some_and(|business| businesses.contains(&business))
        };
        let mut campaigns: Vec<Campaign> = self.campaigns.iter().filter(of).cloned().collect();
        campaigns.sort_by_key(|c| (c.business.as_ref().and_then(|business| business.id), c.id));
        Ok(campaigns)
    }

    async fn ready(&self) -> Result<()> {
        Ok(())
    }
}

/// Error of adding a credential to a [`StaticDirectory`]. The secret is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StaticDirectoryError {
    /// The text is empty.
    Empty,
    /// A header can't contain some of its characters.
    NotSendable,
    /// The credential was added before.
    Duplicate,
    /// The credential has no cabinet.
    NoBusiness,
    /// The key has no scope.
    NoScope,
}

impl fmt::Display for StaticDirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "an Api-Key or OAuth token is empty",
            Self::NotSendable => {
                "an Api-Key or OAuth token has characters that can't be sent in its header"
            }
            Self::Duplicate => "an Api-Key or OAuth token is given twice",
            Self::NoBusiness => "an Api-Key or OAuth token must open at least one cabinet",
            Self::NoScope => "an Api-Key must have at least one scope",
        })
    }
}

impl std::error::Error for StaticDirectoryError {}

#[cfg(test)]
mod tests {
    use beseda_api::{AuthResult, BusinessId, Credential, Directory, Scope};

    use super::{StaticDirectory, StaticDirectoryError as Wrong};

    fn one() -> BusinessId {
        BusinessId::new(1).unwrap()
    }

    #[test]
    fn what_could_never_be_used_is_refused() {
        let new = StaticDirectory::new;
        let scopes = [Scope::AllMethods];
        assert_eq!(new().api_key("", [one()], scopes.clone()).unwrap_err(), Wrong::Empty);
        assert_eq!(new().oauth_token("", [one()]).unwrap_err(), Wrong::Empty);
        for secret in ["ключ", "a b", "a\r\nb", " "] {
            let key = new().api_key(secret, [one()], scopes.clone());
            assert_eq!(key.unwrap_err(), Wrong::NotSendable, "{secret:?}");
            assert_eq!(new().oauth_token(secret, [one()]).unwrap_err(), Wrong::NotSendable);
        }
        assert_eq!(new().oauth_token("a,b", [one()]).unwrap_err(), Wrong::NotSendable);
        assert_eq!(new().api_key("key", [], scopes).unwrap_err(), Wrong::NoBusiness);
        assert_eq!(new().api_key("key", [one()], []).unwrap_err(), Wrong::NoScope);
        assert_eq!(new().oauth_token("token", []).unwrap_err(), Wrong::NoBusiness);
    }

    #[tokio::test]
    async fn a_secret_is_known_once_and_only_as_what_it_was_added() {
        let directory = StaticDirectory::new();
        let directory = directory.api_key("secret", [one(), one()], [Scope::Communication]);
        let directory = directory.unwrap().oauth_token("secret", [one()]).unwrap();
        let again = directory.clone().oauth_token("secret", [one()]);
        assert_eq!(again.unwrap_err(), Wrong::Duplicate);
        let again = directory.clone().api_key("secret", [one()], [Scope::AllMethods]);
        assert_eq!(again.unwrap_err(), Wrong::Duplicate);
        assert!(!format!("{directory:?}").contains("secret"));
        for (credential, known) in [
            (Credential::ApiKey("secret".to_owned()), true),
            (Credential::OAuth("secret".to_owned()), true),
            (Credential::ApiKey("secre".to_owned()), false),
            (Credential::OAuth("secret1".to_owned()), false),
        ] {
            let verdict = directory.authenticate(&credential).await.unwrap();
            assert_eq!(matches!(verdict, AuthResult::Granted(_)), known, "{verdict:?}");
        }
    }
}
