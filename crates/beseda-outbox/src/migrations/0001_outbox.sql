-- Moments are microseconds since 1970 in UTC.

CREATE TABLE items (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  business     INTEGER NOT NULL,
  chat         INTEGER NOT NULL,
  -- Its place in the line of its chat; a retry goes to the end of the line.
  turn         INTEGER NOT NULL,
  text         TEXT,
  file_name    TEXT,
  file_size    INTEGER,
  file_sha256  TEXT,
  operator     TEXT,
  state        TEXT NOT NULL,
  -- 1: it was sent and its message wasn't found in the history for so long that nobody looks any more.
  unseen       INTEGER NOT NULL DEFAULT 0,
  -- 1: it may be in the chat although it isn't being sent: the history is asked before it is sent.
  doubt        INTEGER NOT NULL DEFAULT 0,
  reason       TEXT,
  status       INTEGER,
  -- The last message of the chat known before it was sent; 0: there was none. NULL: it was never sent.
  baseline     INTEGER,
  message      INTEGER,
  attempts     INTEGER NOT NULL DEFAULT 0,
  created_at   INTEGER NOT NULL,
  changed_at   INTEGER NOT NULL
);
CREATE INDEX items_open ON items (business, chat, turn)
  WHERE state IN ('queued', 'sending', 'sent') AND unseen = 0;
CREATE INDEX items_by_message ON items (business, chat, message) WHERE message IS NOT NULL;
CREATE INDEX items_by_file ON items (file_sha256) WHERE file_sha256 IS NOT NULL;

CREATE TABLE chats (
  business INTEGER NOT NULL,
  chat     INTEGER NOT NULL,
  -- The last message seen in its history.
  known    INTEGER NOT NULL,
  PRIMARY KEY (business, chat)
) WITHOUT ROWID;

-- One row: the last turn given out.
CREATE TABLE turns (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL);
INSERT INTO turns (one, last) VALUES (1, 0);
