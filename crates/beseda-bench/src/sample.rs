//! The one message every figure is about: 200 bytes of Russian text, and the bodies made from it.
//! It is not a generator of realistic conversations: every message is the same so that only the code differs.

/// A message text of exactly 200 bytes of UTF-8.
pub const TEXT: &str = "Здравствуйте! Заказ собран и уже едет в пункт выдачи - \
    привезут завтра к вечеру. Спасибо, что выбрали нас. Ждём!";

/// The body of a send of [`TEXT`].
#[must_use]
pub fn send_body() -> Vec<u8> {
    format!(r#"{{"message":"{TEXT}"}}"#).into_bytes()
}

/// A JSON body of exactly 120 bytes, for the reference that only parses and says OK.
#[must_use]
pub fn small_body() -> Vec<u8> {
    let empty = r#"{"message":""}"#.len();
    format!(r#"{{"message":"{}"}}"#, "x".repeat(120 - empty)).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::{TEXT, small_body};

    #[test]
    fn the_text_is_200_bytes_and_the_small_body_120() {
        assert_eq!(TEXT.len(), 200, "{} bytes", TEXT.len());
        assert_eq!(small_body().len(), 120);
    }
}
