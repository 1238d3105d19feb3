//! File name in a part's `Content-Disposition`, in the encodings that clients send.

use encoding_rs::{Encoding, WINDOWS_1251};

/// Returns the file name, or `None` if the part has none.
///
/// `filename*` (RFC 5987) is preferred to `filename`. A `filename` is read as UTF-8, else as windows-1251, and its
/// encoded words (RFC 2047, sent by .NET and mail libraries) are decoded.
pub(super) fn file_name(disposition: &[u8]) -> Option<String> {
    let parameters = parameters(disposition);
    let value = |name: &str| {
        let found = parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes()));
        found.map(|(_, value)| value.as_slice())
    };
    let extended = value("filename*").and_then(extended_value);
    extended.or_else(|| value("filename").map(plain_value)).filter(|name| !name.is_empty())
}

/// Decodes `charset'language'percent-encoded`; `None` if it is malformed or the charset is unknown.
fn extended_value(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    let mut pieces = text.splitn(3, '\'');
    let (charset, _language, encoded) = (pieces.next()?, pieces.next()?, pieces.next()?);
    let encoding = Encoding::for_label(charset.as_bytes())?;
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(encoded).collect();
    let (name, malformed) = encoding.decode_without_bom_handling(&bytes);
    (!malformed).then(|| name.into_owned())
}

fn plain_value(value: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(value) else {
        return WINDOWS_1251.decode_without_bom_handling(value).0.into_owned();
    };
    if text.is_ascii() && text.contains("=?") {
        // The parser requires a whole header; its name is irrelevant.
        let header = format!("Name: {text}");
        if let Ok((parsed, _)) = mailparse::parse_header(header.as_bytes()) {
            return parsed.get_value();
        }
    }
    text.to_owned()
}

/// Splits `form-data; name="a"; filename="b"` into parameters with unquoted values.
fn parameters(disposition: &[u8]) -> Vec<(&[u8], Vec<u8>)> {
    let mut found = Vec::new();
    let mut rest = after(disposition, b';');
    while !rest.is_empty() {
        let Some(equals) = rest.iter().position(|byte| *byte == b'=') else { break };
        let name = rest[..equals].trim_ascii();
        let (value, behind) = value(rest[equals + 1..].trim_ascii_start());
        found.push((name, value));
        rest = after(behind, b';');
    }
    found
}

/// Returns what follows the first `separator`.
fn after(text: &[u8], separator: u8) -> &[u8] {
    text.iter().position(|byte| *byte == separator).map_or(&[], |at| &text[at + 1..])
}

/// Reads one value, quoted or not, and returns it with the rest.
///
/// Only `\"` and `\\` are escapes: old browsers send Windows paths with bare backslashes.
fn value(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|byte| *byte == b';').unwrap_or(text.len());
        return (text[..end].trim_ascii_end().to_vec(), &text[end..]);
    };
    let (mut read, mut at) = (Vec::new(), 0);
    while let Some(byte) = quoted.get(at) {
        match (byte, quoted.get(at + 1)) {
            (b'"', _) => return (read, &quoted[at + 1..]),
            (b'\\', Some(escaped @ (b'"' | b'\\'))) => {
                read.push(*escaped);
                at += 2;
            }
            _ => {
                read.push(*byte);
                at += 1;
            }
        }
    }
    (read, &[])
}

#[cfg(test)]
mod tests {
    use encoding_rs::WINDOWS_1251;

    use super::file_name;

    fn named(parameters: &str) -> Option<String> {
        file_name(format!("form-data; name=\"file\"; {parameters}").as_bytes())
    }

    #[test]
    fn each_form_of_a_name_is_decoded() {
        for (parameters, name) in [
            (r#"filename="чек.pdf""#, "чек.pdf"),
            ("filename=photo.jpg", "photo.jpg"),
            (r#"filename="a; b.txt""#, "a; b.txt"),
            (r#"filename="a \"b\".txt""#, r#"a "b".txt"#),
            (r#"filename="C:\temp\a.txt""#, r"C:\temp\a.txt"),
            ("filename*=UTF-8''%D1%87%D0%B5%D0%BA.pdf", "чек.pdf"),
            (r#"filename="x.pdf"; filename*=utf-8'ru'%D1%87%D0%B5%D0%BA.pdf"#, "чек.pdf"),
            ("FILENAME*=windows-1251''%F7%E5%EA.pdf", "чек.pdf"),
            (r#"filename="x.pdf"; filename*=no-such-charset''%F7"#, "x.pdf"),
            (r#"filename="x.pdf"; filename*=utf-8''%F7%E5"#, "x.pdf"),
            (r#"filename="=?utf-8?B?0YfQtdC6LnBkZg==?=""#, "чек.pdf"),
            (r#"filename="=?windows-1251?Q?=F7=E5=EA=2Epdf?=""#, "чек.pdf"),
            (r#"filename="=?utf-8?B?0YfQtQ==?= =?utf-8?B?0LoucGRm?=""#, "чек.pdf"),
            (r#"filename="what=?.txt""#, "what=?.txt"),
        ] {
            assert_eq!(named(parameters).as_deref(), Some(name), "{parameters}");
        }
    }

    #[test]
    fn a_name_that_is_not_utf_8_is_read_as_windows_1251() {
        let mut disposition = b"form-data; name=\"file\"; filename=\"".to_vec();
        disposition.extend_from_slice(&WINDOWS_1251.encode("Накладная №5.docx").0);
        disposition.push(b'"');
        assert_eq!(file_name(&disposition).as_deref(), Some("Накладная №5.docx"));
    }

    #[test]
    fn a_part_without_a_name_has_none_whatever_else_is_in_its_header() {
        for parameters in ["", "filename", r#"filename="""#, "filename*=utf-8''", ";;;==", "\""] {
            assert_eq!(named(parameters), None, "{parameters}");
        }
    }
}
