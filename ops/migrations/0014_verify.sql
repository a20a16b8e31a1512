-- Findings that are not sure enough to send anybody say so: a person should look first.

ALTER TABLE anomaly_events ADD COLUMN verify boolean NOT NULL DEFAULT false;
ALTER TABLE anomalies ADD COLUMN verify boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN anomaly_events.verify IS 'Whether a person should look before anybody is sent, as of this step.';
COMMENT ON COLUMN anomalies.verify IS 'Whether a person should look before anybody is sent.';

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
    verify
FROM anomalies
WHERE state <> 'cleared';
