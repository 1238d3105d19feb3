//! Applies fault rules to webhook deliveries.

use beseda_api::{Clock, notification::Notification};
use beseda_push::{Mischief, Prank};

use crate::{
    Control,
    faults::{FaultKind, PUSH},
};

impl Mischief for Control {
    fn prank(&self, notification: &Notification) -> Prank {
        let business = match notification {
            Notification::ChatCreated { business_id, .. }
            | Notification::ChatMessageSent { business_id, .. }
            | Notification::ChatArbitrageStarted { business_id, .. }
            | Notification::ChatArbitrageFinished { business_id, .. } => Some(*business_id),
            _ => None,
        };
        let triggered = self.faults.trigger(PUSH, business, self.clock.now());
        match triggered.first().map(|fault| fault.rule.kind) {
            Some(FaultKind::PushTwice) => Prank::Twice,
            Some(FaultKind::PushLater) => Prank::Later,
            _ => Prank::None,
        }
    }
}
