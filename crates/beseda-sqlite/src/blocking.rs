//! Database work on the runtime's threads for blocking calls.

use beseda_api::{Error, Result};

/// Runs a database operation on a thread where blocking is allowed.
///
/// # Errors
/// [`Error::Internal`] if the operation fails or panics.
pub async fn run_blocking<T: Send + 'static>(
    operation: impl FnOnce() -> rusqlite::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(operation).await;
    done.map_err(Error::internal)?.map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use beseda_api::Error;
    use rusqlite::Connection;

    #[tokio::test]
    async fn failures_and_panics_are_internal_errors() {
        let query = |sql: &'static str| {
            move || Connection::open_in_memory()?.query_row(sql, [], |row| row.get::<_, i64>(0))
        };
        assert_eq!(super::run_blocking(query("SELECT 7")).await.unwrap(), 7);
        let failed = super::run_blocking(query("SELECT nonsense")).await.unwrap_err();
        assert!(matches!(failed, Error::Internal(_)), "{failed:?}");
        let panicked = super::run_blocking::<()>(|| panic!("on purpose")).await.unwrap_err();
        assert!(matches!(panicked, Error::Internal(_)), "{panicked:?}");
    }
}
