-- What cameras saw, one row per facility that a message touches.

CREATE TABLE camera_events (
    time         timestamptz NOT NULL,
    arrival_time timestamptz NOT NULL,
    stored_at    timestamptz NOT NULL DEFAULT now(),
    confidence   real        NOT NULL,
    quality      smallint    NOT NULL,
    present      boolean     NOT NULL,
    stationary   boolean     NOT NULL,
    device       text        NOT NULL,
    facility     text        NOT NULL,
    zone         text        NOT NULL,
    phase        text        NOT NULL,
    track        text        NOT NULL,
    label        text        NOT NULL,
    identity     text        NOT NULL,
    PRIMARY KEY (device, zone, facility, identity, time)
);

SELECT create_hypertable(
    'camera_events',
    'time',
    chunk_time_interval => INTERVAL '1 day',
    create_default_indexes => FALSE
);

CREATE INDEX camera_events_zone_time ON camera_events (zone, time DESC);

COMMENT ON TABLE camera_events IS 'What one camera message says about one facility of a zone. Key: (device, zone, facility, identity, time); the identity is never stored twice within eight days.';
COMMENT ON COLUMN camera_events.time IS 'Event time: of the camera where plausible, else of arrival (see quality).';
COMMENT ON COLUMN camera_events.arrival_time IS 'Wall time when ingest received the message.';
COMMENT ON COLUMN camera_events.stored_at IS 'Start of the database transaction that stored the row.';
COMMENT ON COLUMN camera_events.confidence IS 'Confidence of the camera in its label, 0 to 1.';
COMMENT ON COLUMN camera_events.quality IS '0 good, 1 untimed, 2 late, 3 future, 4 released.';
COMMENT ON COLUMN camera_events.present IS 'Whether the object stands in the zone after this message.';
COMMENT ON COLUMN camera_events.stationary IS 'Whether the object stood still.';
COMMENT ON COLUMN camera_events.device IS 'Device id of the camera.';
COMMENT ON COLUMN camera_events.facility IS 'Facility the camera zone belongs to.';
COMMENT ON COLUMN camera_events.zone IS 'Zone of that facility.';
COMMENT ON COLUMN camera_events.phase IS 'new, update or end of the track.';
COMMENT ON COLUMN camera_events.track IS 'Track id the camera gave the object.';
COMMENT ON COLUMN camera_events.label IS 'What the object is, e.g. car.';
COMMENT ON COLUMN camera_events.identity IS 'Identity of the camera message, as in observations.';
