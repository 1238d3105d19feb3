//! Lock which ensures that one process sends the messages of a cabinet. The kernel releases it when
//! the process dies.

use std::path::Path;

use beseda_api::BusinessId;
use beseda_sqlite::{PidLock, PidLockError};

use crate::{Error, Result};

/// Held lock; released on drop.
#[derive(Debug)]
pub(crate) struct SenderLock(
    #[expect(dead_code, reason = "dropping it releases the lock")] PidLock,
);

impl SenderLock {
    pub(crate) fn take(folder: &Path, business: BusinessId) -> Result<Self> {
        let path = folder.join(format!("outbox-{business}.lock"));
        match PidLock::acquire(&path) {
            Ok(lock) => Ok(Self(lock)),
            Err(PidLockError::Held(process)) => Err(Error::AlreadyRunning(process)),
            Err(PidLockError::Io(error)) => Err(error.into()),
        }
    }
}
