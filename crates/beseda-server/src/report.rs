//! Reporting of internal errors: to `tracing`, and to stderr if no subscriber is installed.

use std::io::Write;

use beseda_api::ErrorChain;

/// Reports a request that failed with an internal error.
pub(crate) fn internal_error(request_id: &str, error: &(dyn std::error::Error + 'static)) {
    let error = ErrorChain(error);
    tracing::error!(request_id, %error, "request failed");
    unheard(&format!("request {request_id} failed: {error}"));
}

/// Reports a request that was answered with 503 because the upstream is unavailable.
pub(crate) fn unavailable(request_id: &str, error: &(dyn std::error::Error + 'static)) {
    let error = ErrorChain(error);
    tracing::warn!(request_id, %error, "can't be served now");
    unheard(&format!("request {request_id} can't be served now: {error}"));
}

/// Writes one line to stderr if no tracing subscriber was ever installed.
fn unheard(text: &str) {
    if tracing::dispatcher::has_been_set() {
        return;
    }
    // A closed stderr must not fail the request.
    let _ = writeln!(std::io::stderr().lock(), "{}", one_line(text));
}

fn one_line(text: &str) -> String {
    let kept = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    format!("beseda-server: {}", kept.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn a_report_is_one_line_whatever_the_error_says() {
        assert_eq!(one_line("a\nb\r\tc\u{1b}[31m"), "beseda-server: a b  c [31m");
    }
}
