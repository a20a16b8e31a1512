-- Findings that were raised within planned works carry their reference.

ALTER TABLE anomaly_events ADD COLUMN expected text;
ALTER TABLE anomalies ADD COLUMN expected text;

COMMENT ON COLUMN anomaly_events.expected IS 'Reference of the planned works within which it was raised; null where none were.';
COMMENT ON COLUMN anomalies.expected IS 'Reference of the planned works within which it was raised; null where none were.';

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
    expected
FROM anomalies
WHERE state <> 'cleared';
