-- Moments are nanoseconds since 1970 in UTC; an offset is seconds east of it, NULL where the service wrote Z.
-- Enum words are kept as the service wrote them, the unknown ones too.

CREATE TABLE archive (
  -- One row. seq is the last number given out: every new message and every changed chat takes the next one.
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  seq        INTEGER NOT NULL,
  created_at INTEGER NOT NULL
);
INSERT INTO archive (one, seq, created_at) VALUES (1, 0, CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000000);

CREATE TABLE cabinets (
  business        INTEGER PRIMARY KEY,
  name            TEXT,
  -- Everything updated before it is known: the largest updatedAt of the last listing that was gone through to its end.
  watermark       INTEGER,
  -- When the last listing of all chats ended, by this machine's clock; NULL before the first.
  full_at         INTEGER,
  -- 1 while every listing seen came newest first, 0 once one didn't; NULL before the first.
  newest_first    INTEGER,
  -- 1 while every page of a history seen came oldest first, 0 once one didn't; NULL before the first.
  history_ordered INTEGER
);

CREATE TABLE campaigns (
  campaign  INTEGER PRIMARY KEY,
  business  INTEGER NOT NULL,
  name      TEXT,
  placement TEXT
);

CREATE TABLE chats (
  business           INTEGER NOT NULL,
  chat               INTEGER NOT NULL,
  type               TEXT NOT NULL,
  status             TEXT NOT NULL,
  context_type       TEXT NOT NULL,
  campaign           INTEGER,
  order_id           INTEGER,          -- the published top-level orderId
  context_order      INTEGER,
  context_return     INTEGER,
  customer_name      TEXT,
  customer_public_id TEXT,
  created_at         INTEGER NOT NULL,
  created_offset     INTEGER,
  updated_at         INTEGER NOT NULL, -- as listed
  updated_offset     INTEGER,
  -- When this updatedAt was first seen, by this machine's clock.
  seen_at            INTEGER NOT NULL,
  -- Up to which updatedAt the history here is known to be whole; NULL before the first reading. Less than updated_at: messages are missing.
  synced_at          INTEGER,
  last_message       INTEGER,          -- the largest message id here; NULL without messages
  whole_to           INTEGER,          -- the message id up to which nothing is missing: where reading goes on
  gone_at            INTEGER,          -- since when the service says that there is no such chat; what came before is kept
  seq                INTEGER NOT NULL, -- of its last change
  PRIMARY KEY (business, chat)
) WITHOUT ROWID;
CREATE INDEX chats_by_seq ON chats (seq);
CREATE INDEX chats_by_update ON chats (business, updated_at);
CREATE INDEX chats_due ON chats (business, updated_at, chat)
  WHERE gone_at IS NULL AND (synced_at IS NULL OR synced_at < updated_at);
CREATE INDEX chats_by_order ON chats (context_order) WHERE context_order IS NOT NULL;
CREATE INDEX chats_by_return ON chats (context_return) WHERE context_return IS NOT NULL;
CREATE INDEX chats_by_order_id ON chats (order_id) WHERE order_id IS NOT NULL;

CREATE TABLE messages (
  -- Grows with the time of writing: the moment in microseconds, or the next number that is free. The rowid of the search index.
  doc            INTEGER PRIMARY KEY,
  business       INTEGER NOT NULL,
  chat           INTEGER NOT NULL,
  message        INTEGER NOT NULL,
  created_at     INTEGER NOT NULL,
  created_offset INTEGER,
  sender         TEXT NOT NULL,
  text           TEXT,
  payload        TEXT,                 -- the published payload, as JSON
  seq            INTEGER NOT NULL
);
CREATE UNIQUE INDEX messages_by_id ON messages (business, chat, message);
CREATE UNIQUE INDEX messages_by_seq ON messages (seq);

-- Who wrote a message of the shop, where a program told.
CREATE TABLE authors (
  business INTEGER NOT NULL,
  chat     INTEGER NOT NULL,
  message  INTEGER NOT NULL,
  operator TEXT NOT NULL,
  PRIMARY KEY (business, chat, message)
) WITHOUT ROWID;

-- How far an operator has read.
CREATE TABLE reads (
  operator TEXT NOT NULL,
  business INTEGER NOT NULL,
  chat     INTEGER NOT NULL,
  message  INTEGER NOT NULL,
  PRIMARY KEY (operator, business, chat)
) WITHOUT ROWID;

CREATE TABLE attachments (
  business INTEGER NOT NULL,
  chat     INTEGER NOT NULL,
  message  INTEGER NOT NULL,
  place    INTEGER NOT NULL,           -- in the payload, from 0
  name     TEXT NOT NULL,
  url      TEXT NOT NULL,
  size     INTEGER NOT NULL,
  sha256   TEXT,                       -- of the bytes, hexadecimal; NULL until they are here
  tries    INTEGER NOT NULL DEFAULT 0,
  due      INTEGER,                    -- when to try next; NULL: it is here, or given up
  error    TEXT,
  PRIMARY KEY (business, chat, message, place)
) WITHOUT ROWID;
CREATE INDEX attachments_due ON attachments (due) WHERE due IS NOT NULL;

-- What each message can be found by, made by search/index.rs: stems of its text and of its files' names, and marks for its
-- chat, shop, cabinet, sender and kind of context. Of FTS5 only the lists of rowids by token are used.
CREATE VIRTUAL TABLE stems USING fts5 (
  text, content = '', tokenize = 'ascii', columnsize = 0, detail = none
);
-- Every word that occurs, with its stem, and the triples of letters in it: for parts of words.
CREATE TABLE words (
  id   INTEGER PRIMARY KEY,
  word TEXT NOT NULL UNIQUE,
  stem TEXT NOT NULL
);
CREATE VIRTUAL TABLE parts USING fts5 (
  word, content = '', tokenize = 'trigram case_sensitive 1', columnsize = 0, detail = none
);
