-- Readings: one row each, found again by series and identity; arrival time never decides what a row is.
-- Runs on the Apache edition of TimescaleDB: hypertables and drop_chunks only, no policy, no compression.

CREATE EXTENSION IF NOT EXISTS timescaledb;

CREATE TABLE series (
    series_id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device            text NOT NULL,
    observed_property text NOT NULL,
    unit              text NOT NULL,
    UNIQUE (device, observed_property)
);

COMMENT ON TABLE series IS 'What one device measures of one property; the readings of a series share a canonical unit.';
COMMENT ON COLUMN series.series_id IS 'Number standing for the series in observations.';
COMMENT ON COLUMN series.device IS 'Device id as in the MQTT topic.';
COMMENT ON COLUMN series.observed_property IS 'Name of the property, e.g. pressure.';
COMMENT ON COLUMN series.unit IS 'UCUM code of the canonical unit of the property.';

CREATE TABLE origins (
    origin_id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    facility       text NOT NULL,
    facility_class text NOT NULL,
    zone           text NOT NULL,
    UNIQUE (facility, facility_class, zone)
);

COMMENT ON TABLE origins IS 'What a device spoke for when a reading arrived; a facility that moves gets another origin.';
COMMENT ON COLUMN origins.origin_id IS 'Number standing for the origin in observations.';
COMMENT ON COLUMN origins.facility IS 'Facility id.';
COMMENT ON COLUMN origins.facility_class IS 'Class of the facility, e.g. manhole_cover.';
COMMENT ON COLUMN origins.zone IS 'Zone the facility stood in.';

CREATE TABLE observations (
    time         timestamptz      NOT NULL,
    arrival_time timestamptz      NOT NULL,
    stored_at    timestamptz      NOT NULL DEFAULT now(),
    result       double precision NOT NULL,
    series_id    integer          NOT NULL,
    origin_id    integer          NOT NULL,
    quality      smallint         NOT NULL,
    identity     text             NOT NULL
);

-- No foreign keys: the archive writes series and origins before the rows that name them, and a check per reading
-- would cost more than the insert.
SELECT create_hypertable(
    'observations',
    'time',
    chunk_time_interval => INTERVAL '1 day',
    create_default_indexes => FALSE
);

-- The key, on purpose as one expression: the archive looks identities up at other times too, and with series_id as a
-- column of its own the planner would take the index below and read every reading of the series instead.
CREATE UNIQUE INDEX observations_key ON observations ((series_id::text || ':' || identity), time);

CREATE INDEX observations_series_time ON observations (series_id, time DESC);

-- Readings kept on arrival time (2 late, 3 future) or released (4) are rare; a copy of one that comes again may carry
-- another time, and this small index finds the first without a look at every chunk's key.
CREATE INDEX observations_moved ON observations ((series_id::text || ':' || identity)) WHERE quality > 1;

COMMENT ON TABLE observations IS 'Readings, one row per series and identity. Key: (series_id, identity, time); the same identity is never stored twice within eight days, whatever time a copy carries.';
COMMENT ON COLUMN observations.time IS 'Event time: of the device where plausible, else of arrival (see quality).';
COMMENT ON COLUMN observations.arrival_time IS 'Wall time when ingest received the message.';
COMMENT ON COLUMN observations.stored_at IS 'Start of the database transaction that stored the row.';
COMMENT ON COLUMN observations.result IS 'Value in the unit of the series; flags are 1 and 0.';
COMMENT ON COLUMN observations.series_id IS 'Device and property, in series.';
COMMENT ON COLUMN observations.origin_id IS 'Facility and zone, in origins.';
COMMENT ON COLUMN observations.quality IS '0 good, 1 untimed, 2 late, 3 future, 4 released (1-3: time is the arrival).';
COMMENT ON COLUMN observations.identity IS 'a:boot:seq, b:device time:value or c:arrival:hash:n; NUL is written as the sign U+2400.';
