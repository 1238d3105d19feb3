-- Conversations, orders, cabinets and credentials. Times are Unix microseconds; enums are small integers (see sqlite/columns.rs).

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE cabinets (
    business_id INTEGER PRIMARY KEY,
    name        TEXT NOT NULL
) STRICT;

CREATE TABLE campaigns (
    campaign_id INTEGER PRIMARY KEY,
    business_id INTEGER NOT NULL REFERENCES cabinets,
    name        TEXT NOT NULL,
    placement   TEXT NOT NULL
) STRICT;
CREATE INDEX campaigns_of_cabinet ON campaigns (business_id, campaign_id);

CREATE TABLE orders (
    business_id        INTEGER NOT NULL,
    order_id           INTEGER NOT NULL,
    campaign_id        INTEGER,
    model              TEXT NOT NULL,
    customer_name      TEXT,
    customer_public_id TEXT,
    PRIMARY KEY (business_id, order_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE returns (
    business_id INTEGER NOT NULL,
    return_id   INTEGER NOT NULL,
    order_id    INTEGER NOT NULL,
    PRIMARY KEY (business_id, return_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE chats (
    chat_id            INTEGER PRIMARY KEY,
    business_id        INTEGER NOT NULL,
    type               INTEGER NOT NULL,
    status             INTEGER NOT NULL,
    context_type       INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    campaign_id        INTEGER,
    order_id           INTEGER,
    return_id          INTEGER,
    customer_name      TEXT,
    customer_public_id TEXT
) STRICT;
-- A list of chats is merged from one range of this index per combination of words the filter lets through.
CREATE INDEX chats_by_words ON chats (business_id, type, status, context_type, updated_at, chat_id);
CREATE INDEX chats_by_order ON chats (business_id, order_id) WHERE order_id IS NOT NULL;
CREATE INDEX chats_by_return ON chats (business_id, return_id) WHERE return_id IS NOT NULL;

-- Clustered, so that a page of a history is read from one place.
CREATE TABLE messages (
    chat_id    INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    sender     INTEGER NOT NULL,
    text       TEXT,
    file_id    TEXT,
    file_name  TEXT,
    file_size  INTEGER,
    PRIMARY KEY (chat_id, message_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE files (
    file_id     TEXT PRIMARY KEY,
    business_id INTEGER NOT NULL,
    name        TEXT NOT NULL,
    size        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Files whose bytes may be there without a message: what is left in here after a crash is swept.
CREATE TABLE uploads (
    file_id    TEXT PRIMARY KEY,
    started_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    key_id      INTEGER PRIMARY KEY AUTOINCREMENT,
    business_id INTEGER NOT NULL REFERENCES cabinets,
    name        TEXT NOT NULL,
    scopes      TEXT NOT NULL,
    hash        BLOB NOT NULL UNIQUE,
    created_at  INTEGER NOT NULL,
    revoked_at  INTEGER
) STRICT;
CREATE INDEX api_keys_of_cabinet ON api_keys (business_id);

CREATE TABLE users (
    user_id INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT NOT NULL
) STRICT;

CREATE TABLE user_cabinets (
    user_id     INTEGER NOT NULL REFERENCES users,
    business_id INTEGER NOT NULL REFERENCES cabinets,
    PRIMARY KEY (user_id, business_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE oauth_tokens (
    token_id   INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    INTEGER NOT NULL REFERENCES users,
    hash       BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
