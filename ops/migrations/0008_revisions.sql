-- A registration that is older than what is known changes nothing, whenever it is said: revisions decide, not times.

ALTER TABLE facilities ADD COLUMN revision bigint NOT NULL DEFAULT 0;
ALTER TABLE zones ADD COLUMN revision bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN facilities.revision IS 'Revision of the event that last changed the row; older ones are ignored.';
COMMENT ON COLUMN facilities.changed_at IS 'Time of the event that last changed the row.';
COMMENT ON COLUMN zones.revision IS 'Revision of the event that last changed the row; older ones are ignored.';
COMMENT ON COLUMN zones.changed_at IS 'Time of the event that last changed the row.';
