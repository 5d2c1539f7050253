-- Since when a reference names nobody; NULL where it names a resource, and where the value is no reference.
ALTER TABLE memberships ADD COLUMN pending INTEGER;
CREATE INDEX memberships_pending ON memberships (member, in_group, pending) WHERE pending IS NOT NULL;
ALTER TABLE indexed_values ADD COLUMN pending INTEGER;
CREATE INDEX indexed_values_pending ON indexed_values (partition, value, pending) WHERE pending IS NOT NULL;

UPDATE memberships SET pending = unixepoch() * 1000
WHERE present = 1 AND NOT EXISTS (
    SELECT 1 FROM resources
    JOIN partitions AS named ON named.no = resources.no >> 40
    JOIN partitions AS groups ON groups.no = memberships.in_group >> 40
    WHERE resources.id = unhex(memberships.member, '-') AND named.tenant = groups.tenant
);

-- Managers are indexed (attribute 5), so that whoever names one is found when that one goes.
INSERT INTO indexed_values (partition, attribute, value, resource, pending)
SELECT no >> 40, 5, manager, no, CASE WHEN EXISTS (
    SELECT 1 FROM resources AS named WHERE named.id = unhex(manager, '-') AND named.no >> 40 = holders.no >> 40
) THEN NULL ELSE unixepoch() * 1000 END
FROM (
    SELECT resources.no AS no, body ->> '$."urn:ietf:params:scim:schemas:extension:enterprise:2.0:User".manager.value' AS manager
    FROM resources JOIN partitions ON partitions.no = resources.no >> 40 WHERE partitions.kind = 'User'
) AS holders
WHERE manager IS NOT NULL;

-- Requests that were not understood. `alike` is a digest of what those share that are counted as one.
CREATE TABLE unknown_shapes (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    alike BLOB NOT NULL UNIQUE,
    count INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    latest TEXT NOT NULL
);
CREATE INDEX unknown_shapes_by_last ON unknown_shapes (tenant, last);
