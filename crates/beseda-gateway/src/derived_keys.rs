//! Keys derived from a secret in the gateway's folder: the printed API keys, and MAC keys of tokens
//! and links.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use beseda_engine::secret::new_api_key;
use hmac::{Hmac, KeyInit, Mac};
use rand::{RngExt, SeedableRng, distr::Alphanumeric};
use rand_chacha::ChaCha20Rng;
use sha2::Sha256;

/// Secret of 32 random bytes, and the keys derived from it. They are the same at every start.
pub(crate) struct DerivedKeys([u8; 32]);

impl DerivedKeys {
    /// Reads the secret, or creates it with mode 0600.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join("secret");
        match File::open(&path) {
            Ok(mut file) => {
                let mut bytes = [0; 32];
                file.read_exact(&mut bytes)?;
                Ok(Self(bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let bytes: [u8; 32] = rand::random();
                // Renamed when complete: an interrupted start must not leave a part of it.
                let temporary = folder.join("secret.new");
                let mut file = create_private(&temporary)?;
                file.write_all(&bytes)?;
                file.sync_all()?;
                std::fs::rename(&temporary, &path)?;
                Ok(Self(bytes))
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the derived API key of a cabinet.
    pub(crate) fn api_key(&self, business: i64) -> String {
        new_api_key(&mut self.rng(&format!("api-key {business}")))
    }

    /// Returns the derived key of the admin API.
    pub(crate) fn admin_key(&self) -> String {
        let rng = self.rng("admin-key");
        let body: String = rng.sample_iter(Alphanumeric).take(40).map(char::from).collect();
        format!("admin-{body}")
    }

    /// Derives 32 bytes for a purpose.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn rng(&self, purpose: &str) -> ChaCha20Rng {
        ChaCha20Rng::from_seed(self.derive(purpose))
    }
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().create(true).write(true).truncate(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<File> {
    File::create(path)
}

#[cfg(test)]
mod tests {
    use super::DerivedKeys;

    #[test]
    fn keys_are_stable_and_differ_by_cabinet_and_folder() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = DerivedKeys::open(one.path()).unwrap().api_key(1);
        assert_eq!(DerivedKeys::open(one.path()).unwrap().api_key(1), key);
        assert_ne!(DerivedKeys::open(one.path()).unwrap().api_key(2), key);
        assert_ne!(DerivedKeys::open(two.path()).unwrap().api_key(1), key);
        assert_eq!(key.len(), "ACMA:".len() + 40 + 1 + 8);
    }

    #[cfg(unix)]
    #[test]
    fn the_secret_has_mode_0600() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        DerivedKeys::open(folder.path()).unwrap();
        let mode = folder.path().join("secret").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
