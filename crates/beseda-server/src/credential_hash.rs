//! Hash of a credential.

use std::fmt;

use beseda_api::Credential;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// SHA-256 hash by which a credential is recognized without being kept.
///
/// An Api-Key and an OAuth token with the same text have different hashes.
///
/// ```
/// use beseda_server::{CredentialHash, beseda_api::Credential};
///
/// let hash = CredentialHash::new(&Credential::ApiKey("secret".into()));
/// assert!(hash.matches(&Credential::ApiKey("secret".into())));
/// assert!(!hash.matches(&Credential::OAuth("secret".into())));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CredentialHash([u8; 32]);

impl CredentialHash {
    /// Hashes a credential.
    #[must_use]
    pub fn new(credential: &Credential) -> Self {
        let (kind, secret) = match credential {
            Credential::ApiKey(secret) => (b'k', secret),
            Credential::OAuth(secret) => (b'o', secret),
        };
        Self(Sha256::new().chain_update([kind]).chain_update(secret.as_bytes()).finalize().into())
    }

    /// Returns true if this is the hash of the credential, comparing in constant time.
    #[must_use]
    pub fn matches(&self, credential: &Credential) -> bool {
        self.equals(&Self::new(credential))
    }

    /// Compares in constant time, unlike `==`.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for CredentialHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialHash")
    }
}
