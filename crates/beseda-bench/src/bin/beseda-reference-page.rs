//! Reference (b): axum serialises one history page of 50 messages of 200 bytes from memory, in the published shape.
//! It looks nothing up, checks no key and counts nothing: what is left is HTTP and `serde_json`.

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
struct Answer {
    status: Status,
    result: History,
}

#[derive(Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Ok,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct History {
    order_id: u64,
    context: Context,
    messages: Vec<Message>,
    paging: Paging,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    #[serde(rename = "type")]
    kind: ContextKind,
    customer: Customer,
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
struct Customer {
    name: String,
    public_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    message_id: u64,
    created_at: String,
    sender: Sender,
    message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Sender {
    Partner,
    Customer,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Paging {
    next_page_token: String,
}

fn page() -> Answer {
    let first = 1_780_212_617_058_078_u64;
    let messages = (0..50_u64)
        .map(|index| Message {
            message_id: first + index * 1_000_003,
            created_at: format!("2026-05-31T10:30:{index:02}+03:00"),
            sender: if index % 2 == 0 { Sender::Customer } else { Sender::Partner },
            message: sample::TEXT.to_owned(),
        })
        .collect();
    let customer = Customer { name: "Иван П.".to_owned(), public_id: "abc123def".to_owned() };
    let order_id = 123_456_789;
    let context = Context { kind: ContextKind::Order, customer, campaign_id: 2_000_001, order_id };
    let paging = Paging { next_page_token: "eyJuZXh0SWQiOjIzNDJ9eyJuZXh0SWQiOjIzNDJ9".to_owned() };
    Answer { status: Status::Ok, result: History { order_id, context, messages, paging } }
}

async fn history(State(page): State<Arc<Answer>>) -> Response {
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
