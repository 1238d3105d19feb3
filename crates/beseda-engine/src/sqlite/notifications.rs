//! Webhook notifications: subscriptions, queue, delivery log.

mod deliveries;
pub(super) mod event;
mod forward;
mod queue;
mod subscriptions;
