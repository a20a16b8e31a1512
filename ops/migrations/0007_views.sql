-- What operators and dashboards read, and who may read it.

CREATE VIEW readings AS
SELECT
    o.time,
    s.device,
    s.observed_property,
    o.result,
    s.unit,
    CASE o.quality
        WHEN 0 THEN 'good'
        WHEN 1 THEN 'untimed'
        WHEN 2 THEN 'late'
        WHEN 3 THEN 'future'
        WHEN 4 THEN 'released'
    END AS quality,
    g.facility,
    g.facility_class,
    g.zone,
    o.identity,
    o.arrival_time,
    o.stored_at
FROM observations AS o
JOIN series AS s USING (series_id)
JOIN origins AS g USING (origin_id);

COMMENT ON VIEW readings IS 'Readings with names instead of numbers.';

CREATE VIEW latest_readings AS
SELECT
    s.device,
    s.observed_property,
    newest.time,
    newest.result,
    s.unit,
    newest.quality,
    g.facility,
    g.facility_class,
    g.zone
FROM series AS s
-- One look at the end of an index per series; DISTINCT ON would read every reading there is.
CROSS JOIN LATERAL (
    SELECT o.time, o.result, o.quality, o.origin_id
    FROM observations AS o
    WHERE o.series_id = s.series_id
    ORDER BY o.time DESC
    LIMIT 1
) AS newest
JOIN origins AS g USING (origin_id);

COMMENT ON VIEW latest_readings IS 'The newest reading of every series.';

CREATE VIEW open_anomalies AS
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
    score
FROM anomalies
WHERE state <> 'cleared';

COMMENT ON VIEW open_anomalies IS 'Findings that are not cleared.';

-- Called by every `eyes db migrate`, so the role may be made before or after the tables.
CREATE FUNCTION grant_readers() RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'eyes_reader') THEN
        RETURN FALSE;
    END IF;
    GRANT USAGE ON SCHEMA public TO eyes_reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO eyes_reader;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO eyes_reader;
    RETURN TRUE;
END
$$;

COMMENT ON FUNCTION grant_readers() IS 'Lets role eyes_reader read everything, now and later; says whether the role exists.';
