-- Findings that another finding explains carry its id: a silent device that of its gateway.

ALTER TABLE anomaly_events ADD COLUMN caused_by uuid;
ALTER TABLE anomalies ADD COLUMN caused_by uuid;

COMMENT ON COLUMN anomaly_events.caused_by IS 'The finding that explains this one, as far as was known at this step.';
COMMENT ON COLUMN anomalies.caused_by IS 'The finding that explains it while it is open; anomaly_events remember.';

CREATE OR REPLACE VIEW open_anomalies AS
SELECT
    finding_id,
    kind,
    severity,
    subject,
    summary,
    since,
    opened_at,
    at AS updated_at,
    zone,
    facility,
    facility_class,
    district,
    grid,
    address,
    lon,
    lat,
    numbers,
    score,
    expected,
    caused_by
FROM anomalies
WHERE state <> 'cleared';
