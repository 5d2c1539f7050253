CREATE TABLE tenants (
    no INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- One tenant's resources of one type. Their numbers share the upper bits, so that they lie together in `resources`.
CREATE TABLE partitions (
    no INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    kind TEXT NOT NULL,
    UNIQUE (tenant, kind)
);

CREATE TABLE connectors (
    no INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    tenant INTEGER NOT NULL,
    state TEXT NOT NULL,
    -- The last resource that the backfill has owed; NULL when none is under way.
    backfilled INTEGER,
    -- The last confirmed resource that was compared with what is owed now; NULL when no such walk is under way.
    walked INTEGER,
    -- Whether the last configuration had the connector, and the partitions that it took.
    configured INTEGER NOT NULL DEFAULT 1,
    partitions TEXT NOT NULL DEFAULT '[]',
    -- What its configuration was when resources were confirmed, and how often that changed.
    fingerprint TEXT NOT NULL DEFAULT '',
    epoch INTEGER NOT NULL DEFAULT 0
);

-- Numbers are reserved in blocks, so that none is given out twice, ever.
CREATE TABLE counters (
    name INTEGER PRIMARY KEY,
    reserved INTEGER NOT NULL
);

-- `no` is partition << 40 | counter: insertion order, which is the order of ids and of pages.
CREATE TABLE resources (
    no INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    body TEXT NOT NULL,
    -- How many members a group has.
    members INTEGER NOT NULL
);
CREATE UNIQUE INDEX resource_ids ON resources (id);

-- How many resources each 512 numbers hold: turns startIndex into a number, and sums to the total.
CREATE TABLE rank_blocks (
    block INTEGER PRIMARY KEY,
    count INTEGER NOT NULL
);

CREATE TABLE indexed_values (
    partition INTEGER NOT NULL,
    attribute INTEGER NOT NULL,
    value TEXT NOT NULL,
    resource INTEGER NOT NULL,
    PRIMARY KEY (partition, attribute, value, resource)
) WITHOUT ROWID;

-- `version` is the group's version that added or removed the member. A removed one stays as a tombstone
-- (`present = 0`) until every connector has confirmed the removal; `gone` is then the number of a deleted resource.
CREATE TABLE memberships (
    in_group INTEGER NOT NULL,
    member TEXT NOT NULL,
    version INTEGER NOT NULL,
    present INTEGER NOT NULL,
    display TEXT,
    gone INTEGER,
    PRIMARY KEY (in_group, member)
) WITHOUT ROWID;
CREATE INDEX memberships_by_member ON memberships (member, in_group);
CREATE INDEX memberships_by_version ON memberships (in_group, version);

-- What each connector is owed. `lane`: 0 free to go, 1 waits for `waits_on`, 2 dead letter. `frozen` holds the
-- attributes of a state that a newer one must not replace; the version is then that state's.
CREATE TABLE deliveries (
    seq INTEGER PRIMARY KEY,
    connector INTEGER NOT NULL,
    resource INTEGER NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    removal INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    not_before INTEGER NOT NULL DEFAULT 0,
    queued INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    waits_on INTEGER,
    keys BLOB NOT NULL,
    request_id TEXT NOT NULL,
    error_class TEXT,
    error TEXT,
    frozen TEXT
);
CREATE INDEX deliveries_by_resource ON deliveries (connector, resource);
CREATE INDEX deliveries_by_lane ON deliveries (connector, lane, removal, not_before, queued);
CREATE INDEX deliveries_by_blocker ON deliveries (waits_on) WHERE waits_on IS NOT NULL;

-- The keys of deliveries that are not dead. An exclusive key is a unique value taken or freed; a shared one, a member.
CREATE TABLE delivery_keys (
    connector INTEGER NOT NULL,
    key INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    shared INTEGER NOT NULL,
    PRIMARY KEY (connector, key, seq)
) WITHOUT ROWID;

-- What each connector has confirmed.
CREATE TABLE ledger (
    connector INTEGER NOT NULL,
    resource INTEGER NOT NULL,
    version INTEGER NOT NULL,
    remote TEXT NOT NULL,
    -- The connector's epoch at the time.
    epoch INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (connector, resource)
) WITHOUT ROWID;

-- Resources that a connector may hold although it never confirmed them: a delivery was dropped by an operator.
CREATE TABLE discarded (
    connector INTEGER NOT NULL,
    id BLOB NOT NULL,
    resource INTEGER NOT NULL,
    PRIMARY KEY (connector, id)
) WITHOUT ROWID;

-- Members that a connector's group lacks until the member itself is confirmed.
CREATE TABLE waiting_members (
    connector INTEGER NOT NULL,
    in_group INTEGER NOT NULL,
    member TEXT NOT NULL,
    -- Whether the member waits because the connector lost it, and no delivery of the group has been settled since.
    forgotten INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (connector, in_group, member)
) WITHOUT ROWID;
CREATE INDEX waiting_members_by_member ON waiting_members (connector, member);

CREATE TABLE passwords (
    connector INTEGER NOT NULL,
    resource INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (connector, resource)
) WITHOUT ROWID;

CREATE TABLE credentials (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    hash BLOB NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    last_used INTEGER,
    revoked INTEGER
) WITHOUT ROWID;

-- Each hash is SHA-256 over the hash before and the entry.
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    entry TEXT NOT NULL,
    hash BLOB NOT NULL
);
