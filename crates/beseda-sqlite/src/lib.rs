//! Shared code of the project's SQLite databases: migrations, private files and folders, locks, column conversions,
//! blocking work.
//!
//! ```
//! use beseda_sqlite::{OpeningLock, migrate, private};
//! use rusqlite::Connection;
//!
//! const MIGRATIONS: &[&str] = &["CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"];
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! private::create_dir(folder)?;
//! let _lock = OpeningLock::acquire(folder)?;
//! let path = folder.join("notes.sqlite");
//! private::create_file(&path)?;
//! let mut connection = Connection::open(&path)?;
//! connection.pragma_update(None, "journal_mode", "WAL")?;
//! migrate(&mut connection, MIGRATIONS)?;
//! connection.execute("INSERT INTO notes (text) VALUES ('Good day!')", [])?;
//! # Ok(()) }
//! ```

mod blocking;
pub mod columns;
mod lock;
mod migrate;
pub mod private;

pub use blocking::run_blocking;
pub use lock::{OpeningLock, PidLock, PidLockError};
pub use migrate::{MigrateError, NewerSchema, apply_migrations, migrate};
