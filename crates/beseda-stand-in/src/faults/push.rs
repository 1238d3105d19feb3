//! Applies fault rules to webhook deliveries.

use beseda_api::{Clock, notification::Notification};
use beseda_webhook::sender::{FaultInjector, PushFault};

use crate::{
    Control,
    faults::{FaultKind, PUSH},
};

impl FaultInjector for Control {
    fn fault(&self, notification: &Notification) -> PushFault {
        let business = match notification {
            Notification::ChatCreated { business_id, .. }
            | Notification::ChatMessageSent { business_id, .. }
            | Notification::ChatArbitrageStarted { business_id, .. }
            | Notification::ChatArbitrageFinished { business_id, .. } => Some(*business_id),
            _ => None,
        };
        let triggered = self.faults.trigger(PUSH, business, self.clock.now());
        match triggered.first().map(|fault| fault.rule.kind) {
            Some(FaultKind::PushTwice) => PushFault::Duplicate,
            Some(FaultKind::PushLater) => PushFault::Reorder,
            _ => PushFault::None,
        }
    }
}
