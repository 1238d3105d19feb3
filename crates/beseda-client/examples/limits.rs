//! Two clients, one governor: what is left of the hour, who waits, and how a deadline of one's own is set and met.
//!
//! ```text
//! BESEDA_API_KEY=… BESEDA_BUSINESS_ID=… cargo run -p beseda-client --example limits
//! ```

use std::{env::var, time::Duration};

use beseda_client::{
    Client, DEFAULT_URL, ErrorExt, Failure, Governor, Patience,
    api::{BusinessId, ChatFilter, ChatsApi, PageRequest},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let url = var("BESEDA_URL").unwrap_or_else(|_| DEFAULT_URL.to_owned());
    let business: BusinessId = var("BESEDA_BUSINESS_ID")?.parse()?;
    let governor = Governor::default().parallel(4).reserve(10);
    let build = || -> anyhow::Result<Client> {
        let builder = Client::builder().url(&url).api_key(var("BESEDA_API_KEY")?);
        Ok(builder.governor(governor.clone()).build()?)
    };
    let (desk, robot) = (build()?, build()?.background());

    // No answer is worth more than two seconds here.
    let hasty = Patience { longest: Duration::from_secs(2), repeats: 1, ..Patience::default() };
    for client in [desk.with_patience(hasty), robot] {
        let page = client.get_chats(business, ChatFilter::default(), PageRequest::default()).await;
        match page {
            Ok(page) => println!("{} chats on the first page", page.chats.len()),
            Err(error) => match error.failure() {
                Some(Failure::OverLimit { until: Some(until), .. }) => {
                    println!("nothing was asked: there is no call left until {until}");
                }
                _ => return Err(error.into()),
            },
        }
    }
    for budget in governor.state(business).into_iter().flat_map(|state| state.budgets) {
        if let Some(limit) = budget.limit {
            println!(
                "{}: {} of {} left until {}",
                budget.operation, limit.remaining, limit.limit, limit.until
            );
        }
    }
    Ok(())
}
