-- Attributes that configuration has indexed, beside the four that are always. `path` and `rule` say what is compared
-- and how. `state`: 0 being built, 1 in use, 2 to be dropped. A number is never given out twice, so that what is left of
-- a dropped index is never taken for another's.
CREATE TABLE indexed_attributes (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    partition INTEGER NOT NULL,
    path TEXT NOT NULL,
    rule TEXT NOT NULL,
    state INTEGER NOT NULL
);
INSERT INTO sqlite_sequence (name, seq) VALUES ('indexed_attributes', 99);

-- The schemas under which the resources of a type were written: a list of schema and whether it is required.
CREATE TABLE written_schemas (
    partition INTEGER PRIMARY KEY,
    schemas TEXT NOT NULL
);
