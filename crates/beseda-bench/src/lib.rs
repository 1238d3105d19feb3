//! Benchmark: runs the release binary and three small reference servers under one load generator
//! and prints a table of figures.

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
