-- The ends of the audit chain. `newest` 0: the last entry that was removed for its age; `newest` 1: the newest entry, so
-- that entries which are missing at the end are missed.
CREATE TABLE audit_ends (
    newest INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL
);
INSERT INTO audit_ends (newest, seq, hash) SELECT 1, seq, hash FROM audit ORDER BY seq DESC LIMIT 1;

-- Groups that a connector may hold with members that are not known, because the store was restored. Such a group is told
-- whole, until the connector confirms it.
CREATE TABLE unknown_members (
    connector INTEGER NOT NULL,
    in_group INTEGER NOT NULL,
    PRIMARY KEY (connector, in_group)
) WITHOUT ROWID;
