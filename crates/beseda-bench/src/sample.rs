//! Message used for all figures: 200 bytes of Russian text. All messages are equal, so that only
//! the code differs.

/// Message text of exactly 200 bytes in UTF-8.
pub const TEXT: &str = "Здравствуйте! Заказ собран и уже едет в пункт выдачи - \
    привезут завтра к вечеру. Спасибо, что выбрали нас. Ждём!";

/// Returns the body of a send of [`TEXT`].
#[must_use]
pub fn send_body() -> Vec<u8> {
    format!(r#"{{"message":"{TEXT}"}}"#).into_bytes()
}

/// Returns a JSON body of exactly 120 bytes, for reference (a).
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
