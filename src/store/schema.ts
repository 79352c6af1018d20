import type { DatabaseKind } from './database.js';

/** A replica's database. Positions of `delivery` are the local delivery log. */
export const REPLICA_DATABASE: DatabaseKind = {
  name: 'replica store',
  applicationId: 0x434e4352,
  version: 1,
  schema: `
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE vote (
      stream TEXT NOT NULL,
      number INTEGER NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('echo', 'ready')),
      digest BLOB NOT NULL CHECK (length(digest) = 32),
      PRIMARY KEY (stream, number, kind)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE request (
      digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
      content BLOB NOT NULL,
      proof BLOB NOT NULL
    ) STRICT;
    CREATE TABLE delivery (
      position INTEGER PRIMARY KEY,
      stream TEXT NOT NULL,
      number INTEGER NOT NULL,
      digest BLOB NOT NULL CHECK (length(digest) = 32),
      certificate BLOB NOT NULL,
      UNIQUE (stream, number)
    ) STRICT;
    CREATE TABLE certificate (
      stream TEXT NOT NULL,
      number INTEGER NOT NULL,
      digest BLOB NOT NULL CHECK (length(digest) = 32),
      certificate BLOB NOT NULL,
      PRIMARY KEY (stream, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE evidence (
      kind TEXT NOT NULL CHECK (kind IN ('replica', 'writer')),
      subject TEXT NOT NULL,
      about TEXT NOT NULL,
      first BLOB NOT NULL,
      second BLOB NOT NULL,
      at INTEGER NOT NULL,
      UNIQUE (kind, subject, about)
    ) STRICT;
    CREATE TABLE cursor (peer INTEGER PRIMARY KEY, epoch TEXT NOT NULL, position INTEGER NOT NULL) STRICT;
    CREATE TABLE heard (peer INTEGER PRIMARY KEY, mark BLOB NOT NULL) STRICT;
    CREATE TABLE command_done (command TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  `,
};

/**
 * Retired units, beside a replica's database. `name` leads to them by hashes; positions are in the local delivery log. Small columns
 * come first, so that reading them does not touch the pages of the large ones.
 */
export const ARCHIVE_DATABASE: DatabaseKind = {
  name: 'replica archive',
  applicationId: 0x434e4341,
  version: 1,
  checkedByRow: true,
  schema: `
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE unit (
      id INTEGER PRIMARY KEY,
      position INTEGER NOT NULL UNIQUE,
      unit TEXT NOT NULL UNIQUE,
      hash BLOB NOT NULL CHECK (length(hash) = 32),
      at INTEGER NOT NULL,
      members INTEGER NOT NULL,
      deliveries INTEGER NOT NULL,
      positions BLOB NOT NULL CHECK (length(positions) = 32),
      state BLOB NOT NULL CHECK (length(state) = 32),
      names BLOB NOT NULL,
      checksum BLOB NOT NULL,
      record BLOB NOT NULL,
      notes BLOB NOT NULL,
      kept BLOB
    ) STRICT;
    CREATE INDEX unit_at ON unit (at);
    CREATE TABLE name (key BLOB PRIMARY KEY CHECK (length(key) = 16), id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `,
};

/** A client's database: what it wrote down before sending. */
export const CLIENT_DATABASE: DatabaseKind = {
  name: 'client store',
  applicationId: 0x434e434c,
  version: 1,
  schema: `
    CREATE TABLE item (
      kind TEXT NOT NULL,
      key TEXT NOT NULL,
      value TEXT NOT NULL,
      PRIMARY KEY (kind, key)
    ) STRICT, WITHOUT ROWID;
  `,
};
