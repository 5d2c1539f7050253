-- The leaver clock: users whom the client disabled or deleted (`since`, by `version`), for each connector that may give
-- them access and has not confirmed that version, or a later one, as out of use.
CREATE TABLE leavers (
    id BLOB NOT NULL,
    connector INTEGER NOT NULL,
    resource INTEGER NOT NULL,
    since INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id, connector)
) WITHOUT ROWID;
CREATE INDEX leavers_by_since ON leavers (connector, since);

-- Of removals that are owed already, the delivery knows best since when.
INSERT OR IGNORE INTO leavers (id, connector, resource, since, version)
SELECT deliveries.id, connector, resource, queued, deliveries.version
FROM deliveries
JOIN partitions ON partitions.no = resource >> 40
LEFT JOIN resources ON resources.no = resource
WHERE removal AND partitions.kind = 'User' AND (resources.no IS NULL OR body ->> '$.active' = 0);
