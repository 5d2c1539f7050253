-- The brake. Removals that went, for as long as they count (`until`): `connector` is a connector, or 0 for the entrance of
-- the tenant; `among` a partition, or a group of whose members they are (numbers of groups are the larger ones). `n` is
-- their order; `population` is how many could have been removed at the time.
CREATE TABLE removals (
    connector INTEGER NOT NULL,
    among INTEGER NOT NULL,
    n INTEGER NOT NULL,
    resource INTEGER NOT NULL,
    until INTEGER NOT NULL,
    population INTEGER NOT NULL,
    PRIMARY KEY (connector, among, n)
) WITHOUT ROWID;
CREATE UNIQUE INDEX removals_by_resource ON removals (connector, among, resource);
CREATE INDEX removals_by_end ON removals (until);

-- How many of those there are.
CREATE TABLE removal_counts (
    connector INTEGER NOT NULL,
    among INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (connector, among)
) WITHOUT ROWID;
CREATE TRIGGER removal_inserted AFTER INSERT ON removals BEGIN
    INSERT INTO removal_counts (connector, among, count) VALUES (new.connector, new.among, 1)
    ON CONFLICT DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER removal_deleted AFTER DELETE ON removals BEGIN
    UPDATE removal_counts SET count = count - 1 WHERE connector = old.connector AND among = old.among;
    DELETE FROM removal_counts WHERE connector = old.connector AND among = old.among AND count = 0;
END;

-- Removals that are withheld from a connector. `state`: 0 staged, 2 discarded. `removal`: 0 deactivated, 1 out of scope,
-- 2 deleted; then there are the deletion's keys. `held`: how the entry is kept, 0 in use, 1 deactivated.
CREATE TABLE staged (
    connector INTEGER NOT NULL,
    resource INTEGER NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    since INTEGER NOT NULL,
    state INTEGER NOT NULL,
    removal INTEGER NOT NULL,
    held INTEGER NOT NULL,
    at_entrance INTEGER NOT NULL,
    keys BLOB NOT NULL,
    PRIMARY KEY (connector, resource)
) WITHOUT ROWID;
CREATE INDEX staged_by_state ON staged (connector, state);

-- Members whose removal from a group is withheld. `resource` is the member's number, which outlives it. `state`: 0 staged,
-- 1 released and to be told with the group's next delivery, 2 discarded.
CREATE TABLE staged_members (
    in_group INTEGER NOT NULL,
    member TEXT NOT NULL,
    connector INTEGER NOT NULL,
    resource INTEGER NOT NULL,
    group_id BLOB NOT NULL,
    since INTEGER NOT NULL,
    state INTEGER NOT NULL,
    at_entrance INTEGER NOT NULL,
    PRIMARY KEY (in_group, member, connector)
) WITHOUT ROWID;
CREATE INDEX staged_members_by_member ON staged_members (connector, member);
CREATE INDEX staged_members_by_state ON staged_members (connector, state);

-- Whether what the delivery owes became another without a new version: once settled it starts over.
ALTER TABLE deliveries ADD COLUMN anew INTEGER NOT NULL DEFAULT 0;

-- How many entries in use each connector has confirmed, by partition. Kept here, so that nothing that writes the ledger
-- can forget it. What an entry's removal withheld ends with the entry.
CREATE TABLE live_entries (
    connector INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (connector, partition)
) WITHOUT ROWID;
INSERT INTO live_entries (connector, partition, count)
SELECT connector, resource >> 40, count(*) FROM ledger WHERE live GROUP BY 1, 2;

CREATE TRIGGER ledger_inserted AFTER INSERT ON ledger WHEN new.live BEGIN
    INSERT INTO live_entries (connector, partition, count) VALUES (new.connector, new.resource >> 40, 1)
    ON CONFLICT DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER ledger_changed AFTER UPDATE OF live ON ledger WHEN new.live <> old.live BEGIN
    INSERT INTO live_entries (connector, partition, count)
    VALUES (new.connector, new.resource >> 40, new.live - old.live)
    ON CONFLICT DO UPDATE SET count = count + excluded.count;
END;
CREATE TRIGGER ledger_deleted AFTER DELETE ON ledger BEGIN
    UPDATE live_entries SET count = count - old.live WHERE connector = old.connector AND partition = old.resource >> 40;
    DELETE FROM staged WHERE connector = old.connector AND resource = old.resource;
    DELETE FROM staged_members WHERE in_group = old.resource AND connector = old.connector;
END;

-- How many resources of each partition the client has active.
CREATE TABLE active_resources (
    partition INTEGER PRIMARY KEY,
    count INTEGER NOT NULL
);
INSERT INTO active_resources (partition, count)
SELECT no >> 40, count(*) FROM resources WHERE ifnull(body ->> '$.active', 1) GROUP BY 1;
