//! The bench: drives our release binary and three small reference programs with one load generator and prints a table.
//! It is not a test: timings never fail a build, and nothing in the product depends on this crate.

pub mod corpus;
pub mod data;
pub mod http;
pub mod load;
pub mod measure;
pub mod memory;
pub mod process;
pub mod report;
pub mod requests;
pub mod sample;
