-- Whether the last configuration had the connector, and the partitions that it took.
ALTER TABLE connectors ADD COLUMN configured INTEGER NOT NULL DEFAULT 1;
ALTER TABLE connectors ADD COLUMN partitions TEXT NOT NULL DEFAULT '[]';

-- What its configuration was when resources were confirmed, and how often that changed.
ALTER TABLE connectors ADD COLUMN fingerprint TEXT NOT NULL DEFAULT '';
ALTER TABLE connectors ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ledger ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;

-- The last confirmed resource that was compared with what is owed now; NULL when no such walk is under way.
ALTER TABLE connectors ADD COLUMN walked INTEGER;

-- Whether the member waits because the connector lost it, and no delivery of the group has been settled since.
ALTER TABLE waiting_members ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;

-- Resources that a connector may hold although it never confirmed them: a delivery was dropped by an operator.
CREATE TABLE discarded (
    connector INTEGER NOT NULL,
    id BLOB NOT NULL,
    resource INTEGER NOT NULL,
    PRIMARY KEY (connector, id)
) WITHOUT ROWID;
