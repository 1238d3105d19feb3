//! Reference (a): axum parses a JSON body and responds `{"status":"OK"}`.

use axum::{Json, Router, routing::post};
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Deserialize)]
struct SendBody {
    message: String,
}

#[derive(Serialize)]
struct StatusResponse {
    status: &'static str,
}

async fn send_message(Json(body): Json<SendBody>) -> Json<StatusResponse> {
    let status = if body.message.is_empty() { "ERROR" } else { "OK" };
    Json(StatusResponse { status })
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let routes =
        Router::new().route("/v2/businesses/{business_id}/chats/message", post(send_message));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", serde_json::json!({ "url": format!("http://{}", listener.local_addr()?) }));
    axum::serve(listener, routes).await?;
    Ok(())
}
