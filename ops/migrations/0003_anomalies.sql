-- Findings: every step of every finding, and the state they lead to.

CREATE TABLE anomaly_events (
    at               timestamptz NOT NULL,
    since            timestamptz NOT NULL,
    arrival_time     timestamptz,
    stored_at        timestamptz NOT NULL DEFAULT now(),
    finding_id       uuid        NOT NULL,
    event_id         text        NOT NULL,
    kind             text        NOT NULL,
    transition       text        NOT NULL CHECK (transition IN ('raised', 'updated', 'cleared')),
    severity         text        NOT NULL,
    zone             text        NOT NULL,
    subject          text        NOT NULL,
    facility         text,
    facility_class   text,
    lon              double precision NOT NULL,
    lat              double precision NOT NULL,
    grid             text,
    district         text,
    address          text,
    summary          text        NOT NULL,
    reason           text,
    score            double precision NOT NULL,
    numbers          jsonb       NOT NULL,
    evidence         uuid[]      NOT NULL,
    detector         text        NOT NULL,
    detector_version integer     NOT NULL,
    log_offset       bigint      NOT NULL,
    PRIMARY KEY (event_id, at)
);

SELECT create_hypertable(
    'anomaly_events',
    'at',
    chunk_time_interval => INTERVAL '7 days',
    create_default_indexes => FALSE
);

CREATE INDEX anomaly_events_at ON anomaly_events (at DESC);
CREATE INDEX anomaly_events_finding ON anomaly_events (finding_id, at);

COMMENT ON TABLE anomaly_events IS 'Every step (raised, updated, cleared) of every finding. Key: (event_id, at).';
COMMENT ON COLUMN anomaly_events.at IS 'Event time of this step.';
COMMENT ON COLUMN anomaly_events.since IS 'Event time at which the matter began.';
COMMENT ON COLUMN anomaly_events.arrival_time IS 'Wall time at which the newest evidence arrived; null when time alone decided.';
COMMENT ON COLUMN anomaly_events.stored_at IS 'Start of the database transaction that stored the row.';
COMMENT ON COLUMN anomaly_events.finding_id IS 'The finding; all its steps carry it.';
COMMENT ON COLUMN anomaly_events.event_id IS 'CloudEvents id of this step.';
COMMENT ON COLUMN anomaly_events.kind IS 'What was found, e.g. water_burst.';
COMMENT ON COLUMN anomaly_events.transition IS 'raised, updated or cleared.';
COMMENT ON COLUMN anomaly_events.severity IS 'critical, major, minor or warning.';
COMMENT ON COLUMN anomaly_events.zone IS 'Zone in which it was found.';
COMMENT ON COLUMN anomaly_events.subject IS 'What it is about: a device, a facility, a track, a zone.';
COMMENT ON COLUMN anomaly_events.facility IS 'Facility it is about, if one.';
COMMENT ON COLUMN anomaly_events.facility_class IS 'Class of that facility.';
COMMENT ON COLUMN anomaly_events.lon IS 'Longitude, WGS 84, degrees.';
COMMENT ON COLUMN anomaly_events.lat IS 'Latitude, WGS 84, degrees.';
COMMENT ON COLUMN anomaly_events.grid IS 'Unit grid of the city.';
COMMENT ON COLUMN anomaly_events.district IS 'District of the city.';
COMMENT ON COLUMN anomaly_events.address IS 'Address, if the registry knows it.';
COMMENT ON COLUMN anomaly_events.summary IS 'One sentence for a person.';
COMMENT ON COLUMN anomaly_events.reason IS 'Why it was cleared, if it was.';
COMMENT ON COLUMN anomaly_events.score IS 'Confidence of the detector, 0 to 1.';
COMMENT ON COLUMN anomaly_events.numbers IS 'The numbers the decision stands on, by name.';
COMMENT ON COLUMN anomaly_events.evidence IS 'Ids of the readings it stands on (schemas.identity.reading_id).';
COMMENT ON COLUMN anomaly_events.detector IS 'Name of the detector.';
COMMENT ON COLUMN anomaly_events.detector_version IS 'Its version.';
COMMENT ON COLUMN anomaly_events.log_offset IS 'Offset of the event in its partition of city.anomalies.v1.';

CREATE TABLE anomalies (
    finding_id       uuid PRIMARY KEY,
    state            text        NOT NULL CHECK (state IN ('raised', 'updated', 'cleared')),
    at               timestamptz NOT NULL,
    since            timestamptz NOT NULL,
    opened_at        timestamptz,
    cleared_at       timestamptz,
    arrival_time     timestamptz,
    kind             text        NOT NULL,
    severity         text        NOT NULL,
    zone             text        NOT NULL,
    subject          text        NOT NULL,
    facility         text,
    facility_class   text,
    lon              double precision NOT NULL,
    lat              double precision NOT NULL,
    grid             text,
    district         text,
    address          text,
    summary          text        NOT NULL,
    reason           text,
    score            double precision NOT NULL,
    numbers          jsonb       NOT NULL,
    detector         text        NOT NULL,
    detector_version integer     NOT NULL
);

CREATE INDEX anomalies_open ON anomalies (kind, zone) WHERE state <> 'cleared';

COMMENT ON TABLE anomalies IS 'Current state of each finding: a projection of anomaly_events that only moves forwards in (at, transition).';
COMMENT ON COLUMN anomalies.finding_id IS 'The finding.';
COMMENT ON COLUMN anomalies.state IS 'Its newest transition; open unless cleared.';
COMMENT ON COLUMN anomalies.at IS 'Event time of the newest step.';
COMMENT ON COLUMN anomalies.since IS 'Event time at which the matter began.';
COMMENT ON COLUMN anomalies.opened_at IS 'Event time at which it was first raised; null if the log no longer held that step.';
COMMENT ON COLUMN anomalies.cleared_at IS 'Event time at which it was cleared; null while open.';
COMMENT ON COLUMN anomalies.arrival_time IS 'Wall time at which the newest evidence of the newest step arrived.';
COMMENT ON COLUMN anomalies.kind IS 'What was found.';
COMMENT ON COLUMN anomalies.severity IS 'Severity at the newest step.';
COMMENT ON COLUMN anomalies.zone IS 'Zone in which it was found.';
COMMENT ON COLUMN anomalies.subject IS 'What it is about.';
COMMENT ON COLUMN anomalies.facility IS 'Facility it is about, if one.';
COMMENT ON COLUMN anomalies.facility_class IS 'Class of that facility.';
COMMENT ON COLUMN anomalies.lon IS 'Longitude, WGS 84, degrees.';
COMMENT ON COLUMN anomalies.lat IS 'Latitude, WGS 84, degrees.';
COMMENT ON COLUMN anomalies.grid IS 'Unit grid of the city.';
COMMENT ON COLUMN anomalies.district IS 'District of the city.';
COMMENT ON COLUMN anomalies.address IS 'Address, if the registry knows it.';
COMMENT ON COLUMN anomalies.summary IS 'One sentence for a person, of the newest step.';
COMMENT ON COLUMN anomalies.reason IS 'Why it was cleared.';
COMMENT ON COLUMN anomalies.score IS 'Confidence of the detector at the newest step.';
COMMENT ON COLUMN anomalies.numbers IS 'Numbers of the newest step.';
COMMENT ON COLUMN anomalies.detector IS 'Detector of the newest step.';
COMMENT ON COLUMN anomalies.detector_version IS 'Its version.';
