-- Moments are milliseconds since 1970 in UTC.

-- What was agreed with a program, which is known by the name of its key.
CREATE TABLE programs (
  business INTEGER NOT NULL,
  name     TEXT NOT NULL,
  share    INTEGER,              -- in percent of every hourly limit; NULL: nothing was promised
  priority TEXT NOT NULL,
  PRIMARY KEY (business, name)
) WITHOUT ROWID;

-- The shops of the upstream's credential, as last seen, for starts while the upstream is away. One row.
CREATE TABLE upstream (
  one       INTEGER PRIMARY KEY CHECK (one = 1),
  campaigns TEXT NOT NULL,       -- as JSON
  at        INTEGER NOT NULL
);

-- Who sent what. The text itself is in the chat: here are its size and its hash.
CREATE TABLE sends (
  id                  INTEGER PRIMARY KEY,
  at                  INTEGER NOT NULL,
  business            INTEGER NOT NULL,
  chat                INTEGER,   -- NULL as long as a chat that is to be made has no number
  program             TEXT NOT NULL,
  operation           TEXT NOT NULL,
  size                INTEGER NOT NULL,
  sha256              TEXT NOT NULL,
  request_id          TEXT NOT NULL,
  idempotency         TEXT,      -- the Idempotency-Key, as long as it is remembered
  outcome             TEXT NOT NULL, -- sending, sent, refused, failed, unknown
  answer              TEXT,      -- of a refusal, as JSON; of a failure, the reason
  since               INTEGER,   -- the last message known before, 0 in an empty chat; NULL: nobody looked
  nth                 INTEGER NOT NULL, -- which of the equal ones sent after that it is
  upstream_request_id TEXT,
  message             INTEGER,   -- its id, once it is known
  done_at             INTEGER
);
CREATE INDEX sends_by_chat ON sends (business, chat);
CREATE INDEX sends_by_time ON sends (at);
CREATE UNIQUE INDEX sends_by_key ON sends (business, program, chat, idempotency) WHERE idempotency IS NOT NULL;
CREATE INDEX sends_nameless ON sends (at) WHERE message IS NULL AND outcome IN ('sent', 'unknown');
