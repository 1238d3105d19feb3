//! Requests of the measurements, and checks of their responses.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    data::{DataSet, MeasuredServer},
    load::{self, Request},
    sample,
};

const FILTER: &[u8] = br#"{"statuses":["WAITING_FOR_PARTNER"]}"#;

/// Creates a send with a body of 120 bytes, for reference (a).
#[must_use]
pub fn small() -> Request {
    let path = "/v2/businesses/1/chats/message?chatId=1";
    Request::post(path, None, None, &sample::small_body())
}

/// Creates a send to a random chat of the server.
#[must_use]
pub fn send(ours: &MeasuredServer, data: &DataSet) -> Request {
    let path = format!("/v2/businesses/{}/chats/message?chatId={{chat}}", ours.business);
    Request::post(&path, Some(data.chats), Some(&ours.api_key), &sample::send_body())
}

/// Creates a request for a page of a random chat of the server, or for the page of reference (b).
#[must_use]
pub fn page(ours: Option<(&MeasuredServer, &DataSet)>) -> Request {
    let Some((ours, data)) = ours else {
        let path = "/v2/businesses/1/chats/history?chatId=1&limit=50";
        return Request::post(path, None, None, b"{}");
    };
    let path = format!("/v2/businesses/{}/chats/history?chatId={{chat}}&limit=50", ours.business);
    Request::post(&path, Some(data.chats), Some(&ours.api_key), b"{}")
}

/// Creates a request for the first 20 chats that wait for the shop.
#[must_use]
pub fn list(ours: &MeasuredServer) -> Request {
    let path = format!("/v2/businesses/{}/chats?limit=20", ours.business);
    Request::post(&path, None, Some(&ours.api_key), FILTER)
}

/// Verifies that the response is a full page and returns its size in bytes.
pub fn probe(
    address: SocketAddr,
    request: &Request,
    items: &str,
    expected: usize,
) -> Result<usize> {
    let body = load::once(address, request)?;
    let answer: Value = serde_json::from_slice(&body).context("the answer is not JSON")?;
    let found = answer["result"][items].as_array().map_or(0, Vec::len);
    ensure!(found == expected, "the answer has {found} {items} instead of {expected}");
    Ok(body.len())
}
