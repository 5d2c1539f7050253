-- Which downstream system it is whose state the ledger of a connector holds; empty where no configuration has said so yet.
ALTER TABLE connectors ADD COLUMN system TEXT NOT NULL DEFAULT '';

-- Numbers that connectors had before they were discarded or reset, with rows under them that are still to be deleted.
CREATE TABLE forgotten (
    connector INTEGER PRIMARY KEY
);
