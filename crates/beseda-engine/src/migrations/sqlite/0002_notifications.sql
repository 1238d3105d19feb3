-- Push notifications: who wants them, what waits for whom, and what came of it. Times are Unix microseconds; kinds are in sqlite/notifications/event.rs.

CREATE TABLE subscriptions (
    subscription_id INTEGER PRIMARY KEY AUTOINCREMENT,
    business_id     INTEGER NOT NULL REFERENCES cabinets,
    url             TEXT NOT NULL,
    name            TEXT NOT NULL,
    state           TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    failing_since   INTEGER,
    due             INTEGER
) STRICT;
CREATE INDEX subscriptions_of_cabinet ON subscriptions (business_id);

-- Written in the transaction of what it tells of; a row goes when it is delivered or dropped.
CREATE TABLE outbox (
    place           INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription_id INTEGER NOT NULL,
    event_id        INTEGER NOT NULL,
    kind            INTEGER NOT NULL,
    business_id     INTEGER NOT NULL,
    chat_id         INTEGER NOT NULL,
    message_id      INTEGER,
    at              INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_of_subscription ON outbox (subscription_id, place);

CREATE TABLE deliveries (
    delivery_id     INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription_id INTEGER NOT NULL,
    event_id        INTEGER,
    kind            INTEGER NOT NULL,
    business_id     INTEGER,
    chat_id         INTEGER,
    message_id      INTEGER,
    at              INTEGER NOT NULL,
    attempted_at    INTEGER NOT NULL,
    took_ms         INTEGER NOT NULL,
    outcome         TEXT NOT NULL,
    status          INTEGER,
    failure_kind    TEXT,
    failure_reason  TEXT,
    failure_detail  TEXT
) STRICT;
CREATE INDEX deliveries_of_subscription ON deliveries (subscription_id, delivery_id);
