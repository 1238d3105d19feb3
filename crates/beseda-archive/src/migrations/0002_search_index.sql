-- How the search index was made and how far it has come. The tables of the index itself are made anew by search/tables.rs
-- whenever the program indexes in another way than the archive was indexed.
CREATE TABLE search_index (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  version INTEGER NOT NULL,  -- 1: the tables of the first migration
  -- Messages up to this seq were here when the index was begun anew; later ones are indexed as they come.
  old     INTEGER NOT NULL,
  -- Of the old ones those up to this doc are indexed; NULL: all.
  doc     INTEGER
);
INSERT INTO search_index (one, version, old, doc) VALUES (1, 1, 0, NULL);
