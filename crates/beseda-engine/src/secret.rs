//! Secrets of Api-Keys and OAuth tokens: their grammar and their hashes. The secrets themselves are kept nowhere.

use rand::{Rng, RngExt, distr::Alphanumeric};
use sha2::{Digest, Sha256};

/// A new Api-Key: `ACMA:` + 40 letters and digits + `:` + 8 hexadecimal digits.
#[must_use]
pub fn new_api_key(random: &mut impl Rng) -> String {
    let body: String = random.sample_iter(Alphanumeric).take(40).map(char::from).collect();
    format!("ACMA:{body}:{:08x}", random.random::<u32>())
}

/// A new OAuth token: `y0_` + 55 letters and digits.
#[must_use]
pub fn new_oauth_token(random: &mut impl Rng) -> String {
    let body: String = random.sample_iter(Alphanumeric).take(55).map(char::from).collect();
    format!("y0_{body}")
}

/// What is kept of a secret. Secrets have 200 random bits and more, so a plain hash can't be searched.
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
