//! Signed page tokens: a position in a list with a MAC, which prevents forged tokens and tokens of another list. A token
//! contains neither filter nor limit.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use beseda_api::{BusinessId, ChatId, Error, PageToken, Result};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::rows::ChatCursor;

/// Length of the truncated MAC in bytes.
const MAC_LENGTH: usize = 12;

/// Signs and verifies page tokens.
#[derive(Clone)]
pub(crate) struct PageTokenSigner(Hmac<Sha256>);

impl PageTokenSigner {
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        // HMAC pads a short key with zeros to the length of a block.
        let mut block = [0; 64];
        block[..32].copy_from_slice(secret);
        Self(Hmac::new(&block.into()))
    }

    /// Returns the token of a position in a cabinet's list of chats.
    pub(crate) fn sign_chats(&self, business: BusinessId, cursor: ChatCursor) -> PageToken {
        let mut bytes = cursor.updated_at.to_be_bytes().to_vec();
        bytes.extend_from_slice(&cursor.chat.to_be_bytes());
        self.sign(&bytes, b'c', business.get())
    }

    /// Verifies a token of a cabinet's list of chats; returns its position.
    pub(crate) fn verify_chats(
        &self,
        business: BusinessId,
        token: &PageToken,
    ) -> Result<ChatCursor> {
        let bytes: [u8; 16] = self.verify(token, b'c', business.get())?;
        let number = |at: usize| bytes[at..at + 8].try_into().map(i64::from_be_bytes);
        match (number(0), number(8)) {
            (Ok(updated_at), Ok(chat)) => Ok(ChatCursor { updated_at, chat }),
            _ => Err(Error::bad_page_token()),
        }
    }

    /// Returns the token of the first message of a history page.
    pub(crate) fn sign_history(&self, chat: ChatId, from: i64) -> PageToken {
        self.sign(&from.to_be_bytes(), b'h', chat.get())
    }

    /// Verifies a token of a chat's history; returns its message id.
    pub(crate) fn verify_history(&self, chat: ChatId, token: &PageToken) -> Result<i64> {
        self.verify(token, b'h', chat.get()).map(i64::from_be_bytes)
    }

    fn sign(&self, position: &[u8], kind: u8, owner: i64) -> PageToken {
        let mut bytes = position.to_vec();
        bytes.extend_from_slice(
            &self.mac(position, kind, owner).finalize().into_bytes()[..MAC_LENGTH],
        );
        PageToken::new(URL_SAFE_NO_PAD.encode(bytes))
    }

    fn verify<const N: usize>(&self, token: &PageToken, kind: u8, owner: i64) -> Result<[u8; N]> {
        let text = token.as_str().trim_end_matches('=');
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::bad_page_token())?;
        let (position, mac) = bytes.split_at_checked(N).ok_or_else(Error::bad_page_token)?;
        if mac.len() != MAC_LENGTH {
            return Err(Error::bad_page_token());
        }
        let verified = self.mac(position, kind, owner).verify_truncated_left(mac);
        verified.map_err(|_| Error::bad_page_token())?;
        position.try_into().map_err(|_| Error::bad_page_token())
    }

    fn mac(&self, position: &[u8], kind: u8, owner: i64) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(&[kind]);
        mac.update(&owner.to_be_bytes());
        mac.update(position);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::{ChatCursor, PageTokenSigner};
    use beseda_api::{BusinessId, ChatId, PageToken};

    fn signer() -> PageTokenSigner {
        PageTokenSigner::new(&[7; 32])
    }

    #[test]
    fn a_token_is_verified_with_and_without_padding() {
        let (business, cursor) =
            (BusinessId::new(1).unwrap(), ChatCursor { updated_at: 5, chat: 9 });
        let token = signer().sign_chats(business, cursor);
        assert_eq!(signer().verify_chats(business, &token).unwrap(), cursor);
        let padded = PageToken::new(format!("{}==", token.as_str()));
        assert_eq!(signer().verify_chats(business, &padded).unwrap(), cursor);
    }

    #[test]
    fn changed_tokens_and_tokens_of_another_list_are_rejected() {
        let chat = ChatId::new(3).unwrap();
        let token = signer().sign_history(chat, 77);
        assert_eq!(signer().verify_history(chat, &token).unwrap(), 77);
        assert!(signer().verify_history(ChatId::new(4).unwrap(), &token).is_err());
        assert!(signer().verify_chats(BusinessId::new(3).unwrap(), &token).is_err());
        assert!(PageTokenSigner::new(&[8; 32]).verify_history(chat, &token).is_err());
        for index in 0..token.as_str().len() {
            let mut text = token.as_str().as_bytes().to_vec();
            text[index] = if text[index] == b'A' { b'B' } else { b'A' };
            let changed = PageToken::new(String::from_utf8(text).unwrap());
            assert!(signer().verify_history(chat, &changed).is_err(), "{changed:?}");
        }
        for garbage in ["", "zzz", "eyBuZXh0SWQ6IDIzNDIgfQ==", "🙂"] {
            assert!(signer().verify_history(chat, &PageToken::new(garbage)).is_err(), "{garbage}");
        }
    }
}
