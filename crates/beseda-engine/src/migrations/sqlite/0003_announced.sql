-- Notifications that were received from elsewhere and announced, so that a second one about the same event isn't. Kinds are
-- in sqlite/notifications/event.rs; `what` is the message, or the time in Unix microseconds where there is none.

CREATE TABLE announced (
    announced_id INTEGER PRIMARY KEY,
    business_id  INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    chat_id      INTEGER NOT NULL,
    what         INTEGER NOT NULL,
    UNIQUE (business_id, kind, chat_id, what)
) STRICT;
