//! Background thread that runs the asynchronous client for the blocking one. Stops when the last
//! handle is dropped.

use std::{
    future::Future,
    io,
    sync::mpsc,
    thread::{self, JoinHandle},
};

use beseda_api::{Error, Result};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

/// Runtime on a background thread.
#[derive(Debug)]
pub(super) struct BlockingRuntime {
    runtime: Handle,
    /// Dropping it stops the thread.
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl BlockingRuntime {
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("beseda-client".to_owned()).spawn(move || {
            // Nothing is ever sent: the channel closes when the sender is dropped.
            drop(runtime.block_on(ended));
        })?;
        Ok(Self { runtime: handle, end: Some(end), thread: Some(thread) })
    }

    /// Runs a future on the thread and returns its output. Fails only if the future panics.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T> {
        let (done, told) = mpsc::sync_channel(1);
        drop(self.runtime.spawn(async move { drop(done.send(work.await)) }));
        told.recv().map_err(|_| Error::internal("the client's thread is gone"))
    }
}

impl Drop for BlockingRuntime {
    fn drop(&mut self) {
        drop(self.end.take());
        // The last owner may be a task on this very thread, which can't join itself.
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            drop(thread.join());
        }
    }
}
