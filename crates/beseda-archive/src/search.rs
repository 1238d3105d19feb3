//! Search over the messages of an archive. Nothing is written here, and nothing is asked of the service.

pub(crate) mod index;
mod words;
