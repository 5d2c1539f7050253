-- Whether the entry was in use when it was confirmed: neither switched off nor out of scope. One that is and shall be no
-- more is a removal.
ALTER TABLE ledger ADD COLUMN live INTEGER NOT NULL DEFAULT 1;
UPDATE ledger SET live = 0
WHERE resource IN (SELECT no FROM resources WHERE body ->> '$.active' = 0);
