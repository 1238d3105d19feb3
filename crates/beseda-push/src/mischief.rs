//! Notifications that go wrong on purpose, for stand-ins: twice, or out of order. A real server has none of it.

use beseda_api::notification::Notification;

/// What goes wrong with a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prank {
    /// Nothing.
    None,
    /// It is sent twice.
    Twice,
    /// It goes behind those that wait, if any do.
    Later,
}

/// Decides what goes wrong.
pub trait Mischief: Send + Sync {
    /// What goes wrong with this notification, which is about to be sent.
    fn prank(&self, notification: &Notification) -> Prank;
}
