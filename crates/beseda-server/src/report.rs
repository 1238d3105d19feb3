//! Where internal errors are told: to `tracing`, and to stderr where the program has installed no subscriber.

use std::io::Write;

use beseda_api::ErrorChain;

/// Tells of a request that failed for a reason of our own.
pub(crate) fn internal_error(request_id: &str, error: &(dyn std::error::Error + 'static)) {
    let error = ErrorChain(error);
    tracing::error!(request_id, %error, "request failed");
    unheard(&format!("request {request_id} failed: {error}"));
}

/// Tells of a request that can't be served now, because whoever would really answer can't be reached.
pub(crate) fn unavailable(request_id: &str, error: &(dyn std::error::Error + 'static)) {
    let error = ErrorChain(error);
    tracing::warn!(request_id, %error, "can't be served now");
    unheard(&format!("request {request_id} can't be served now: {error}"));
}

/// Writes one line to stderr if nobody has ever installed a tracing subscriber: what happened must be seen somewhere.
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
