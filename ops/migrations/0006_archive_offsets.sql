-- How far each archive has come, moved in the transaction that stores the rows.

CREATE TABLE archive_offsets (
    archive     text    NOT NULL,
    topic       text    NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL CHECK (next_offset >= 0),
    epoch       bigint  NOT NULL DEFAULT 0,
    moved_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (archive, topic, partition)
)
-- Every batch updates these few rows; room in the page keeps the updates off the index (HOT).
WITH (fillfactor = 50);

COMMENT ON TABLE archive_offsets IS 'Next offset to store, per archive and partition; the truth about progress, not the consumer group.';
COMMENT ON COLUMN archive_offsets.archive IS 'Name of the archive: the consumer group with its topic prefix.';
COMMENT ON COLUMN archive_offsets.topic IS 'Full name of the Kafka topic.';
COMMENT ON COLUMN archive_offsets.partition IS 'Partition of the topic.';
COMMENT ON COLUMN archive_offsets.next_offset IS 'First offset whose rows are not stored yet.';
COMMENT ON COLUMN archive_offsets.epoch IS 'Raised by every process that takes the partition over: an older process can no longer write.';
COMMENT ON COLUMN archive_offsets.moved_at IS 'Wall time of the last move.';
