//! Reference (b): axum serializes a history page of 50 messages of 200 bytes from memory, in the
//! published format: only
//! HTTP and `serde_json`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use beseda_bench::sample;
use serde::Serialize;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageResponse {
    status: PageStatus,
    result: History,
}

#[derive(Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum PageStatus {
    Ok,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct History {
    order_id: u64,
    context: Context,
    messages: Vec<PageMessage>,
    paging: PagePaging,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    #[serde(rename = "type")]
    kind: ContextKind,
    customer: PageCustomer,
    campaign_id: u64,
    order_id: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum ContextKind {
    Order,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageCustomer {
    name: String,
    public_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageMessage {
    message_id: u64,
    created_at: String,
    sender: Sender,
    message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Sender {
    Partner,
    PageCustomer,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PagePaging {
    next_page_token: String,
}

fn page() -> PageResponse {
    let first = 1_780_212_617_058_078_u64;
    let messages = (0..50_u64)
        .map(|index| PageMessage {
            message_id: first + index * 1_000_003,
            created_at: format!("2026-05-31T10:30:{index:02}+03:00"),
            sender: if index % 2 == 0 { Sender::PageCustomer } else { Sender::Partner },
            message: sample::TEXT.to_owned(),
        })
        .collect();
    let customer =
        PageCustomer { name: "Иван П.".to_owned(), public_id: "abc123def".to_owned() };
    let order_id = 123_456_789;
    let context = Context { kind: ContextKind::Order, customer, campaign_id: 2_000_001, order_id };
    let paging =
        PagePaging { next_page_token: "eyJuZXh0SWQiOjIzNDJ9eyJuZXh0SWQiOjIzNDJ9".to_owned() };
    PageResponse { status: PageStatus::Ok, result: History { order_id, context, messages, paging } }
}

async fn history(State(page): State<Arc<PageResponse>>) -> Response {
    Json(page.as_ref()).into_response()
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let routes = Router::new()
        .route("/v2/businesses/{business_id}/chats/history", post(history))
        .with_state(Arc::new(page()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", serde_json::json!({ "url": format!("http://{}", listener.local_addr()?) }));
    axum::serve(listener, routes).await?;
    Ok(())
}
