//! Reads of a program: coalesced with equal ones, with rewritten attachment links.

use std::time::Instant;

use beseda_api::{BusinessId, ChatId, Message, Result};

use super::{GatewayCall, RESPONSE_MARGIN, ResponseSource};
use crate::{
    metrics::increment,
    read_request::{ReadRequest, ReadResponse},
};

impl GatewayCall {
    /// Reads from the upstream. Equal reads share one upstream call.
    pub(super) async fn read(
        &self,
        business: BusinessId,
        request: ReadRequest,
    ) -> Result<ReadResponse> {
        let endpoint = request.endpoint();
        let mut waiter = self.shared.single_flight.join(request.key(business));
        let mut coalesced = waiter.is_started();
        if !coalesced {
            let mut ticket = self.enqueue(business, endpoint)?;
            let permit = tokio::select! {
                biased;
                () = waiter.started() => None,
                permit = self.acquire(business, endpoint, &mut ticket) => Some(permit?),
            };
            coalesced = match permit {
                Some(permit) => {
                    let shared = self.shared.clone();
                    !waiter.start(shared.execute_read(business, request, permit))
                }
                None => true,
            };
        }
        if coalesced {
            increment(&self.shared.metrics.coalesced_reads);
            self.set_source(ResponseSource::Coalesced);
        } else {
            self.set_source(ResponseSource::Upstream);
        }
        let result = self.with_deadline(waiter.result()).await?;
        result.map_err(|error| self.record_limit(error.into()))
    }

    /// Rewrites attachment links that the caller can't open, within the remaining time.
    pub(super) async fn rewrite_links(
        &self,
        business: BusinessId,
        chat: ChatId,
        messages: &mut [Message],
    ) {
        let remaining = self.caller.deadline.saturating_duration_since(Instant::now());
        let timeout = remaining.saturating_sub(RESPONSE_MARGIN);
        self.shared.link_rewriter.rewrite(business, chat, messages, timeout).await;
    }
}
