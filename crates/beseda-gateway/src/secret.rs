//! What the gateway's printed keys follow from: random bytes in its folder, readable by nobody else. Keys in use are the engine's.

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

/// Random bytes that stay the same from start to start.
pub(crate) struct Secret([u8; 32]);

impl Secret {
    /// Reads them, or makes them.
    pub(crate) fn of(folder: &Path) -> io::Result<Self> {
        let path = folder.join("secret");
        match File::open(&path) {
            Ok(mut file) => {
                let mut bytes = [0; 32];
                file.read_exact(&mut bytes)?;
                Ok(Self(bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let bytes: [u8; 32] = rand::random();
                // Whole or not at all: a start that was cut off must not leave half of it.
                let draft = folder.join("secret.new");
                let mut file = private(&draft)?;
                file.write_all(&bytes)?;
                file.sync_all()?;
                std::fs::rename(&draft, &path)?;
                Ok(Self(bytes))
            }
            Err(error) => Err(error),
        }
    }

    /// The Api-Key of a cabinet that the ready line tells.
    pub(crate) fn api_key(&self, business: i64) -> String {
        new_api_key(&mut self.random(&format!("api-key {business}")))
    }

    /// The key of administration that the ready line tells.
    pub(crate) fn admin_key(&self) -> String {
        let random = self.random("admin-key");
        let body: String = random.sample_iter(Alphanumeric).take(40).map(char::from).collect();
        format!("admin-{body}")
    }

    /// 32 bytes for something else.
    pub(crate) fn derived(&self, purpose: &str) -> [u8; 32] {
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn random(&self, purpose: &str) -> ChaCha20Rng {
        ChaCha20Rng::from_seed(self.derived(purpose))
    }
}

#[cfg(unix)]
fn private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().create(true).write(true).truncate(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private(path: &Path) -> io::Result<File> {
    File::create(path)
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn keys_are_the_same_at_every_start_and_differ_by_cabinet_and_folder() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = Secret::of(one.path()).unwrap().api_key(1);
        assert_eq!(Secret::of(one.path()).unwrap().api_key(1), key);
        assert_ne!(Secret::of(one.path()).unwrap().api_key(2), key);
        assert_ne!(Secret::of(two.path()).unwrap().api_key(1), key);
        assert_eq!(key.len(), "ACMA:".len() + 40 + 1 + 8);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_secret() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        Secret::of(folder.path()).unwrap();
        let mode = folder.path().join("secret").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
