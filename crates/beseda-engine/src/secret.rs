//! Secrets of Api-Keys and OAuth tokens: format and hash. The secrets themselves are not stored.

use rand::{Rng, RngExt, distr::Alphanumeric};
use sha2::{Digest, Sha256};

/// Generates an Api-Key: `ACMA:` + 40 letters and digits + `:` + 8 hexadecimal digits.
#[must_use]
pub fn new_api_key(random: &mut impl Rng) -> String {
    let body: String = random.sample_iter(Alphanumeric).take(40).map(char::from).collect();
    format!("ACMA:{body}:{:08x}", random.random::<u32>())
}

/// Generates an OAuth token: `y0_` + 55 letters and digits.
#[must_use]
pub fn new_oauth_token(random: &mut impl Rng) -> String {
    let body: String = random.sample_iter(Alphanumeric).take(55).map(char::from).collect();
    format!("y0_{body}")
}

/// Returns the stored hash of a secret. Secrets have at least 200 random bits, so an unsalted hash can't be brute-forced.
pub(crate) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_api_key_has_the_published_form() {
        let key = super::new_api_key(&mut rand::rng());
        let parts: Vec<&str> = key.split(':').collect();
        assert_eq!((parts[0], parts[1].len(), parts[2].len()), ("ACMA", 40, 8));
        assert!(parts[2].bytes().all(|b| b.is_ascii_hexdigit()));
    }
}
