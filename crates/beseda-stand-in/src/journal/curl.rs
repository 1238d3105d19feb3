//! Formats a request as a curl command line. Secrets are replaced by variables.

use super::entry::HttpMessage;

/// Headers set by curl itself or irrelevant for a repetition.
const SKIPPED_HEADERS: [&str; 9] = [
    "host",
    "content-length",
    "user-agent",
    "accept",
    "accept-encoding",
    "connection",
    "traceparent",
    "x-request-id",
    "transfer-encoding",
];

/// Returns the command line that repeats the request.
pub(crate) fn line(method: &str, target: &str, operation: &str, request: &HttpMessage) -> String {
    let host = request.headers.iter().find(|(name, _)| name == "host");
    let host = host.map_or("127.0.0.1", |(_, host)| host.as_str());
    let mut line = format!("curl -sS -X {method} {}", quoted(&format!("http://{host}{target}")));
    let multipart = request
        .headers
        .iter()
        .any(|(name, value)| name == "content-type" && value.starts_with("multipart/form-data"));
    for (name, value) in &request.headers {
        if SKIPPED_HEADERS.contains(&name.as_str()) || (multipart && name == "content-type") {
            continue;
        }
        let header = match name.as_str() {
            "api-key" => "'Api-Key: '\"$BESEDA_API_KEY\"".to_owned(),
            "authorization" => {
                let scheme = value.split(' ').next().unwrap_or("Bearer");
                let variable = match operation {
                    "market" => "BESEDA_MARKET_KEY",
                    "admin" => "BESEDA_ADMIN_KEY",
                    _ => "BESEDA_OAUTH_TOKEN",
                };
                format!("{}\"${variable}\"", quoted(&format!("authorization: {scheme} ")))
            }
            _ => quoted(&format!("{name}: {value}")),
        };
        line.push_str(" -H ");
        line.push_str(&header);
    }
    match &request.body {
        _ if multipart => line.push_str(" -F file=@FILE"),
        Some(body) if !body.is_empty() => {
            line.push_str(" --data-binary ");
            line.push_str(&quoted(body));
        }
        _ => {}
    }
    line
}

/// Quotes a word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{HttpMessage, line};

    #[test]
    fn the_curl_line_replaces_secrets_by_variables_and_quotes_for_a_shell() {
        let headers = [("host", "127.0.0.1:80"), ("api-key", "ACMA:…"), ("x-a", "it's")];
        let request = HttpMessage {
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body: Some(r#"{"message":"don't"}"#.to_owned()),
            bytes: None,
        };
        assert_eq!(
            line("POST", "/v2/x?chatId=1", "sendMessageToChat", &request),
            r#"curl -sS -X POST 'http://127.0.0.1:80/v2/x?chatId=1' -H 'Api-Key: '"$BESEDA_API_KEY" -H 'x-a: it'\''s' --data-binary '{"message":"don'\''t"}'"#
        );
    }
}
