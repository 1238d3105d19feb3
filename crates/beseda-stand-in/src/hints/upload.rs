//! Hints for accepted uploads that look like mistakes: a file without a name, or a path in place of
//! a file.

/// Returns a hint for a form whose part `file` has no file name; `body` is the beginning of the
/// form.
///
/// Such a form is accepted, because the API doesn't require a name. But a client with a file knows
/// its name, and `curl -F 'file=/path'`, without `@`, sends the path as the content.
pub(crate) fn missing_file_name(body: &str) -> Option<String> {
    let (headers, content) = parts(body).find(|(headers, _)| is_file(headers))?;
    if headers.to_ascii_lowercase().contains("filename") {
        return None;
    }
    let content = content.trim_end();
    let looks_like_a_path = content.len() < 4096
        && !content.contains(['\r', '\n'])
        && (content.starts_with(['/', '~', '@', '.']) || content.contains(":\\"));
    Some(if looks_like_a_path {
        "The part 'file' holds what looks like a path, not a file, and was sent as it is: in curl a file is named with an @, -F 'file=@/path/to/photo.jpg'.".to_owned()
    } else {
        "The part 'file' has no filename, so the buyer sees a file called 'file': send filename=\"photo.jpg\" in its Content-Disposition (in curl: -F 'file=@photo.jpg').".to_owned()
    })
}

/// Splits the beginning of a form into headers and content of each part.
fn parts(body: &str) -> impl Iterator<Item = (&str, &str)> {
    let boundary = body.lines().find(|line| line.starts_with("--")).unwrap_or("--");
    body.split(boundary).filter_map(|part| part.trim_start().split_once("\r\n\r\n"))
}

fn is_file(headers: &str) -> bool {
    let lower = headers.to_ascii_lowercase();
    ["name=\"file\"", "name=file"].iter().any(|name| lower.contains(name))
}

#[cfg(test)]
mod tests {
    use super::missing_file_name;

    fn form(disposition: &str, content: &str) -> String {
        format!(
            "--X\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n--X--\r\n"
        )
    }

    #[test]
    fn a_file_without_a_name_and_a_path_instead_of_a_file_get_different_hints() {
        let path = missing_file_name(&form("name=\"file\"", "/home/anna/photo.jpg")).unwrap();
        assert!(path.contains("file=@"), "{path}");
        let windows = missing_file_name(&form("name=\"file\"", "C:\\photo.jpg")).unwrap();
        assert!(windows.contains("looks like a path"), "{windows}");
        let content = missing_file_name(&form("name=file", "some text\r\nof a file")).unwrap();
        assert!(content.contains("no filename"), "{content}");
    }

    #[test]
    fn a_file_with_a_name_gets_no_hint() {
        for name in ["filename=\"a.txt\"", "filename*=utf-8''a.txt"] {
            assert_eq!(missing_file_name(&form(&format!("name=\"file\"; {name}"), "/x")), None);
        }
        assert_eq!(missing_file_name(""), None);
    }
}
