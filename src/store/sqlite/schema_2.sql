-- With `present` in it the index alone answers which groups a resource is in.
DROP INDEX memberships_by_member;
CREATE INDEX memberships_by_member ON memberships (member, in_group, present);
