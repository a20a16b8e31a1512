-- Input that was refused, and input nobody is registered for yet.

CREATE TABLE quarantine (
    id             uuid PRIMARY KEY,
    reason         text        NOT NULL,
    field          text,
    detail         text        NOT NULL,
    mqtt_topic     text,
    device         text,
    payload        bytea       NOT NULL,
    payload_sha256 bytea       NOT NULL GENERATED ALWAYS AS (sha256(payload)) STORED,
    payload_bytes  bigint      NOT NULL,
    arrival_time   timestamptz NOT NULL,
    stored_at      timestamptz NOT NULL DEFAULT now(),
    source         text        NOT NULL
);

CREATE INDEX quarantine_arrival ON quarantine (arrival_time DESC);
CREATE INDEX quarantine_device ON quarantine (device);
CREATE INDEX quarantine_payload ON quarantine (payload_sha256);

COMMENT ON TABLE quarantine IS 'Input that could not be understood or stored, whole, with the reason. Key: id, the same for every redelivery.';
COMMENT ON COLUMN quarantine.id IS 'Id of the refused input.';
COMMENT ON COLUMN quarantine.reason IS 'Why it was refused, e.g. schema, conflicting_duplicate, poison.';
COMMENT ON COLUMN quarantine.field IS 'Field that was wrong, if one.';
COMMENT ON COLUMN quarantine.detail IS 'What was wrong with it; for poison also topic, partition and offset.';
COMMENT ON COLUMN quarantine.mqtt_topic IS 'MQTT topic it came on; null for what was found behind ingest.';
COMMENT ON COLUMN quarantine.device IS 'Device it came from, where known.';
COMMENT ON COLUMN quarantine.payload IS 'Original bytes; for conflicting_duplicate and poison the refused reading or record.';
COMMENT ON COLUMN quarantine.payload_sha256 IS 'SHA-256 of payload, to find equal input.';
COMMENT ON COLUMN quarantine.payload_bytes IS 'Size of the original; larger than payload where only its beginning was kept.';
COMMENT ON COLUMN quarantine.arrival_time IS 'Wall time when it arrived.';
COMMENT ON COLUMN quarantine.stored_at IS 'Start of the database transaction that stored the row.';
COMMENT ON COLUMN quarantine.source IS 'Who refused it: CloudEvents source.';

CREATE TABLE unregistered (
    device            text        NOT NULL,
    observed_property text        NOT NULL,
    identity          text        NOT NULL,
    message_id        uuid        NOT NULL,
    mqtt_topic        text        NOT NULL,
    arrival_time      timestamptz NOT NULL,
    stored_at         timestamptz NOT NULL DEFAULT now(),
    released          boolean     NOT NULL,
    log_partition     integer     NOT NULL,
    log_offset        bigint      NOT NULL,
    PRIMARY KEY (device, observed_property, identity)
);

COMMENT ON TABLE unregistered IS 'Readings of devices no facility claims yet; the messages themselves wait in city.unregistered.v1.';
COMMENT ON COLUMN unregistered.device IS 'Device that sent it.';
COMMENT ON COLUMN unregistered.observed_property IS 'Property of the reading.';
COMMENT ON COLUMN unregistered.identity IS 'Identity of the reading, fixed on first arrival.';
COMMENT ON COLUMN unregistered.message_id IS 'Id of the message that carried it.';
COMMENT ON COLUMN unregistered.mqtt_topic IS 'MQTT topic of that message.';
COMMENT ON COLUMN unregistered.arrival_time IS 'Wall time when it arrived.';
COMMENT ON COLUMN unregistered.stored_at IS 'Start of the database transaction that stored the row.';
COMMENT ON COLUMN unregistered.released IS 'Whether it was released into city.events.v1 since.';
COMMENT ON COLUMN unregistered.log_partition IS 'Partition of city.unregistered.v1 it stands in.';
COMMENT ON COLUMN unregistered.log_offset IS 'Offset there: a release reaches only what stands before it.';
