-- Links of attachments that the upstream gave out and that programs have in the gateway's form. A link isn't changed.
CREATE TABLE links (
  id       TEXT PRIMARY KEY,     -- the file's id in the gateway's link
  business INTEGER NOT NULL,
  chat     INTEGER NOT NULL,
  message  INTEGER NOT NULL,
  place    INTEGER NOT NULL,     -- in the payload, from 0
  url      TEXT NOT NULL,        -- as the upstream wrote it
  name     TEXT NOT NULL,
  size     INTEGER NOT NULL
) WITHOUT ROWID;
