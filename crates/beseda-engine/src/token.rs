//! Page tokens: a place in a list, sealed so that it can't be made up, changed, or used on another list. They carry no filter and no limit.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use beseda_api::{BusinessId, ChatId, Error, PageToken, Result};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::store::ChatPlace;

/// Bytes of the seal.
const SEAL: usize = 12;

/// Makes tokens and reads them back.
#[derive(Clone)]
pub(crate) struct Sealer(Hmac<Sha256>);

impl Sealer {
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        // HMAC itself fills a short key up to a block with zeros.
        let mut block = [0; 64];
        block[..32].copy_from_slice(secret);
        Self(Hmac::new(&block.into()))
    }

    /// The token of a place in a cabinet's list of chats.
    pub(crate) fn chats(&self, business: BusinessId, place: ChatPlace) -> PageToken {
        let mut bytes = place.updated_at.to_be_bytes().to_vec();
        bytes.extend_from_slice(&place.chat.to_be_bytes());
        self.seal(&bytes, b'c', business.get())
    }

    /// The place of such a token.
    pub(crate) fn read_chats(&self, business: BusinessId, token: &PageToken) -> Result<ChatPlace> {
        let bytes: [u8; 16] = self.open(token, b'c', business.get())?;
        let number = |at: usize| bytes[at..at + 8].try_into().map(i64::from_be_bytes);
        match (number(0), number(8)) {
            (Ok(updated_at), Ok(chat)) => Ok(ChatPlace { updated_at, chat }),
            _ => Err(Error::bad_page_token()),
        }
    }

    /// The token of the message a page of a history begins with.
    pub(crate) fn history(&self, chat: ChatId, from: i64) -> PageToken {
        self.seal(&from.to_be_bytes(), b'h', chat.get())
    }

    /// The message of such a token.
    pub(crate) fn read_history(&self, chat: ChatId, token: &PageToken) -> Result<i64> {
        self.open(token, b'h', chat.get()).map(i64::from_be_bytes)
    }

    fn seal(&self, place: &[u8], kind: u8, owner: i64) -> PageToken {
        let mut bytes = place.to_vec();
        bytes.extend_from_slice(&self.mac(place, kind, owner).finalize().into_bytes()[..SEAL]);
        PageToken::new(URL_SAFE_NO_PAD.encode(bytes))
    }

    fn open<const N: usize>(&self, token: &PageToken, kind: u8, owner: i64) -> Result<[u8; N]> {
        let text = token.as_str().trim_end_matches('=');
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::bad_page_token())?;
        let (place, seal) = bytes.split_at_checked(N).ok_or_else(Error::bad_page_token)?;
        if seal.len() != SEAL {
            return Err(Error::bad_page_token());
        }
        let sealed = self.mac(place, kind, owner).verify_truncated_left(seal);
        sealed.map_err(|_| Error::bad_page_token())?;
        place.try_into().map_err(|_| Error::bad_page_token())
    }

    fn mac(&self, place: &[u8], kind: u8, owner: i64) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(&[kind]);
        mac.update(&owner.to_be_bytes());
        mac.update(place);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::{ChatPlace, Sealer};
    use beseda_api::{BusinessId, ChatId, PageToken};

    fn sealer() -> Sealer {
        Sealer::new(&[7; 32])
    }

    #[test]
    fn a_token_comes_back_with_and_without_padding() {
        let (business, place) = (BusinessId::new(1).unwrap(), ChatPlace { updated_at: 5, chat: 9 });
        let token = sealer().chats(business, place);
        assert_eq!(sealer().read_chats(business, &token).unwrap(), place);
        let padded = PageToken::new(format!("{}==", token.as_str()));
        assert_eq!(sealer().read_chats(business, &padded).unwrap(), place);
    }

    #[test]
    fn a_changed_or_borrowed_token_is_refused() {
        let chat = ChatId::new(3).unwrap();
        let token = sealer().history(chat, 77);
        assert_eq!(sealer().read_history(chat, &token).unwrap(), 77);
        assert!(sealer().read_history(ChatId::new(4).unwrap(), &token).is_err());
        assert!(sealer().read_chats(BusinessId::new(3).unwrap(), &token).is_err());
        assert!(Sealer::new(&[8; 32]).read_history(chat, &token).is_err());
        for place in 0..token.as_str().len() {
            let mut text = token.as_str().as_bytes().to_vec();
            text[place] = if text[place] == b'A' { b'B' } else { b'A' };
            let changed = PageToken::new(String::from_utf8(text).unwrap());
            assert!(sealer().read_history(chat, &changed).is_err(), "{changed:?}");
        }
        for garbage in ["", "zzz", "eyBuZXh0SWQ6IDIzNDIgfQ==", "🙂"] {
            assert!(sealer().read_history(chat, &PageToken::new(garbage)).is_err(), "{garbage}");
        }
    }
}
