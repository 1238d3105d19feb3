//! The thread on which the asynchronous client runs for those who wait for it. It ends with the last who could ask.

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

/// A runtime on a thread of its own.
#[derive(Debug)]
pub(super) struct BlockingRuntime {
    runtime: Handle,
    /// The thread ends when this is dropped.
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl BlockingRuntime {
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("beseda-client".to_owned()).spawn(move || {
            // Nobody sends: the end is that the sender is gone.
            drop(runtime.block_on(ended));
        })?;
        Ok(Self { runtime: handle, end: Some(end), thread: Some(thread) })
    }

    /// Does this on the thread and comes back with what it came to. An error only if it panicked.
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
        // The last owner may be a task on the very thread, which can't wait for itself.
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            drop(thread.join());
        }
    }
}
