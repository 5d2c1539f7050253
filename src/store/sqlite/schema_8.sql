-- Shared keys are found by their delivery, whose row does not have them: it would be written again for each of many
-- members.
CREATE INDEX delivery_keys_shared ON delivery_keys (seq) WHERE shared;
