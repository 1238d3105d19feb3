//! Two clients share a rate limiter: prints the remaining calls and handles a call that would miss its deadline.
//!
//! ```text
//! BESEDA_API_KEY=… BESEDA_BUSINESS_ID=… cargo run -p beseda-client --example limits
//! ```

use std::{env::var, time::Duration};

use beseda_client::{
    Client, ClientError, DEFAULT_URL, ErrorExt, RateLimiter, RetryPolicy,
    api::{BusinessId, ChatFilter, ChatsApi, PageRequest},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let url = var("BESEDA_URL").unwrap_or_else(|_| DEFAULT_URL.to_owned());
    let business: BusinessId = var("BESEDA_BUSINESS_ID")?.parse()?;
    let rate_limiter = RateLimiter::default().parallel(4).reserve(10);
    let build = || -> anyhow::Result<Client> {
        let builder = Client::builder().url(&url).api_key(var("BESEDA_API_KEY")?);
        Ok(builder.rate_limiter(rate_limiter.clone()).build()?)
    };
    let (desk, robot) = (build()?, build()?.background());

    // No answer is worth more than two seconds here.
    let hasty =
        RetryPolicy { deadline: Duration::from_secs(2), max_retries: 1, ..RetryPolicy::default() };
    for client in [desk.with_retry_policy(hasty), robot] {
        let page = client.get_chats(business, ChatFilter::default(), PageRequest::default()).await;
        match page {
            Ok(page) => println!("{} chats on the first page", page.chats.len()),
            Err(error) => match error.client_error() {
                Some(ClientError::OverLimit { until: Some(until), .. }) => {
                    println!("nothing was asked: there is no call left until {until}");
                }
                _ => return Err(error.into()),
            },
        }
    }
    for budget in rate_limiter.state(business).into_iter().flat_map(|state| state.budgets) {
        if let Some(limit) = budget.limit {
            println!(
                "{}: {} of {} left until {}",
                budget.operation, limit.remaining, limit.limit, limit.until
            );
        }
    }
    Ok(())
}
