-- Findings say by which rule they were made.

ALTER TABLE anomaly_events ADD COLUMN rule text;
ALTER TABLE anomalies ADD COLUMN rule text;

COMMENT ON COLUMN anomaly_events.rule IS 'The rule by which it was made; NULL: by none, or before findings said so.';
COMMENT ON COLUMN anomalies.rule IS 'The rule by which it was made; NULL: by none, or before findings said so.';

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
    caused_by,
    verify,
    rule
FROM anomalies
WHERE state <> 'cleared';
