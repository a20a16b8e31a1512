-- What stands where, and the time: current states, rebuilt from city.events.v1.

CREATE TABLE facilities (
    facility       text PRIMARY KEY,
    scheme         text        NOT NULL,
    facility_class text        NOT NULL,
    name           text,
    zone           text        NOT NULL,
    lon            double precision NOT NULL,
    lat            double precision NOT NULL,
    grid           text,
    district       text,
    address        text,
    devices        jsonb       NOT NULL,
    policy         jsonb       NOT NULL,
    changed_at     timestamptz NOT NULL,
    left_at        timestamptz
);

CREATE INDEX facilities_zone ON facilities (zone);

COMMENT ON TABLE facilities IS 'Newest known state of each facility; one that was removed keeps its row, with left_at.';
COMMENT ON COLUMN facilities.facility IS 'Facility id: national code, or local.';
COMMENT ON COLUMN facilities.scheme IS 'Scheme of the id.';
COMMENT ON COLUMN facilities.facility_class IS 'Class of the facility.';
COMMENT ON COLUMN facilities.name IS 'Name for people.';
COMMENT ON COLUMN facilities.zone IS 'Zone it stands in.';
COMMENT ON COLUMN facilities.lon IS 'Longitude, WGS 84, degrees.';
COMMENT ON COLUMN facilities.lat IS 'Latitude, WGS 84, degrees.';
COMMENT ON COLUMN facilities.grid IS 'Unit grid of the city.';
COMMENT ON COLUMN facilities.district IS 'District of the city.';
COMMENT ON COLUMN facilities.address IS 'Address.';
COMMENT ON COLUMN facilities.devices IS 'Devices that speak for it (schemas.facility.DeviceBinding).';
COMMENT ON COLUMN facilities.policy IS 'What is allowed here (schemas.facility.Policy).';
COMMENT ON COLUMN facilities.changed_at IS 'Time of the event that last changed the row; older events are ignored.';
COMMENT ON COLUMN facilities.left_at IS 'When it left its zone without appearing in another; null while it stands.';

CREATE TABLE zones (
    zone       text PRIMARY KEY,
    kind       text        NOT NULL,
    name       text,
    lon        double precision NOT NULL,
    lat        double precision NOT NULL,
    grid       text,
    district   text,
    address    text,
    policy     jsonb       NOT NULL,
    changed_at timestamptz NOT NULL
);

COMMENT ON TABLE zones IS 'Newest known configuration of each zone.';
COMMENT ON COLUMN zones.zone IS 'Zone id.';
COMMENT ON COLUMN zones.kind IS 'dma, street_segment, lamp_feeder or grid.';
COMMENT ON COLUMN zones.name IS 'Name for people.';
COMMENT ON COLUMN zones.lon IS 'Longitude, WGS 84, degrees.';
COMMENT ON COLUMN zones.lat IS 'Latitude, WGS 84, degrees.';
COMMENT ON COLUMN zones.grid IS 'Unit grid of the city.';
COMMENT ON COLUMN zones.district IS 'District of the city.';
COMMENT ON COLUMN zones.address IS 'Address.';
COMMENT ON COLUMN zones.policy IS 'What is allowed in the zone as a whole (schemas.facility.Policy).';
COMMENT ON COLUMN zones.changed_at IS 'Time of the event that last changed the row; older events are ignored.';

CREATE TABLE ticks_latest (
    partition   integer PRIMARY KEY,
    time        timestamptz NOT NULL,
    generation  integer     NOT NULL,
    cadence_ms  integer     NOT NULL,
    ticker      text        NOT NULL,
    received_to jsonb       NOT NULL,
    stored_at   timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE ticks_latest IS 'Newest tick per partition of city.events.v1: the clock as everything behind the log knows it.';
COMMENT ON COLUMN ticks_latest.partition IS 'Partition of city.events.v1.';
COMMENT ON COLUMN ticks_latest.time IS 'Clock time of the newest tick stored.';
COMMENT ON COLUMN ticks_latest.generation IS 'Generation of the clock; a newer one replaces an older whatever its time.';
COMMENT ON COLUMN ticks_latest.cadence_ms IS 'Clock milliseconds between two ticks.';
COMMENT ON COLUMN ticks_latest.ticker IS 'Who wrote the tick.';
COMMENT ON COLUMN ticks_latest.received_to IS 'Per ingest shard: clock time, ms, up to which everything stands before the tick.';
COMMENT ON COLUMN ticks_latest.stored_at IS 'Wall time of the transaction that stored it.';
