//! Blocking iterator over a stream of pages.

use std::sync::Arc;

use beseda_api::Result;
use futures::{StreamExt, stream::BoxStream};

use super::worker::BlockingRuntime;

/// Iterator over a whole list, which fetches the next page when it is needed. Ends after an error.
#[must_use = "an iterator asks for nothing before it is asked"]
pub struct ListIter<T> {
    worker: Arc<BlockingRuntime>,
    stream: Option<BoxStream<'static, Result<T>>>,
}

impl<T> std::fmt::Debug for ListIter<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ListIter").field("ended", &self.stream.is_none()).finish_non_exhaustive()
    }
}

impl<T> ListIter<T> {
    pub(super) fn new(worker: Arc<BlockingRuntime>, stream: BoxStream<'static, Result<T>>) -> Self {
        Self { worker, stream: Some(stream) }
    }
}

impl<T: Send + 'static> Iterator for ListIter<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        let mut stream = self.stream.take()?;
        let waited = self.worker.wait(async move { (stream.next().await, stream) });
        match waited {
            Ok((Some(Ok(item)), stream)) => {
                self.stream = Some(stream);
                Some(Ok(item))
            }
            Ok((ended, _)) => ended,
            Err(error) => Some(Err(error)),
        }
    }
}

impl<T: Send + 'static> std::iter::FusedIterator for ListIter<T> {}
