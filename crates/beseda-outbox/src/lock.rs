//! That one process sends for a cabinet, by a lock the system takes back when the process dies. It says who holds it.

use std::path::Path;

use beseda_api::BusinessId;
use beseda_sqlite::{PidLock, PidLockError};

use crate::{Error, Result};

/// Held as long as it lives.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "dropping it releases the lock")] PidLock);

impl Lock {
    pub(crate) fn take(folder: &Path, business: BusinessId) -> Result<Self> {
        let path = folder.join(format!("outbox-{business}.lock"));
        match PidLock::acquire(&path) {
            Ok(lock) => Ok(Self(lock)),
            Err(PidLockError::Held(process)) => Err(Error::Held(process)),
            Err(PidLockError::Io(error)) => Err(error.into()),
        }
    }
}
