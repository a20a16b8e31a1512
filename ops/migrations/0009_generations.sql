-- scope: database
-- Generations: the projection's tables stand in schema eyes_gN; schema public shows those of the current generation.
-- A file without the line above is about the projection and is applied in the schema of every generation there is.

CREATE TABLE projection (
    generation    integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state         text        NOT NULL CHECK (state IN ('filling', 'current', 'old')),
    made_at       timestamptz NOT NULL DEFAULT now(),
    made_by       text,
    current_since timestamptz
);

CREATE UNIQUE INDEX projection_current ON projection (state) WHERE state IN ('filling', 'current');

COMMENT ON TABLE projection IS 'Generations of the projection: generation N stands in schema eyes_gN.';
COMMENT ON COLUMN projection.generation IS 'Number of the generation; never given twice, so that who was late for one cannot write into another.';
COMMENT ON COLUMN projection.state IS 'filling: a rebuild is at it; current: what public shows and the archive writes; old: kept until dropped.';
COMMENT ON COLUMN projection.made_at IS 'When its tables were made.';
COMMENT ON COLUMN projection.made_by IS 'Version of Digital Eyes whose rebuild made them; null for the first.';
COMMENT ON COLUMN projection.current_since IS 'When it became current; null while filling.';

CREATE TABLE log_segments (
    topic        text        NOT NULL,
    partition    integer     NOT NULL,
    first_offset bigint      NOT NULL CHECK (first_offset >= 0),
    next_offset  bigint      NOT NULL CHECK (next_offset > first_offset),
    records      bigint      NOT NULL,
    first_time   timestamptz,
    last_time    timestamptz,
    sha256       text        NOT NULL,
    path         text        NOT NULL,
    imported_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, first_offset)
);

COMMENT ON TABLE log_segments IS 'Parquet files that hold what the log may no longer hold (eyes archive export, import); a rebuild reads them.';
COMMENT ON COLUMN log_segments.topic IS 'Full name of the Kafka topic.';
COMMENT ON COLUMN log_segments.partition IS 'Partition of the topic.';
COMMENT ON COLUMN log_segments.first_offset IS 'First offset the file answers for.';
COMMENT ON COLUMN log_segments.next_offset IS 'First offset behind it.';
COMMENT ON COLUMN log_segments.records IS 'Records in it; offsets of transaction markers hold none.';
COMMENT ON COLUMN log_segments.first_time IS 'Log time of its first record; null when it has none.';
COMMENT ON COLUMN log_segments.last_time IS 'Log time of its last record.';
COMMENT ON COLUMN log_segments.sha256 IS 'Checksum of the file, hexadecimal.';
COMMENT ON COLUMN log_segments.path IS 'Where the file lies on the machine that rebuilds.';
COMMENT ON COLUMN log_segments.imported_at IS 'When it was verified and registered.';

CREATE SCHEMA eyes_g1;

COMMENT ON SCHEMA eyes_g1 IS 'Generation 1 of the projection; readers use the views in public.';

-- Grants of tables and views go with them; who could read a name can read it afterwards.
CREATE TEMPORARY TABLE readers ON COMMIT DROP AS
SELECT c.relname, g.grantee
FROM pg_class AS c
CROSS JOIN LATERAL aclexplode(c.relacl) AS g
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')
    AND g.privilege_type = 'SELECT' AND g.grantee <> c.relowner;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['readings', 'latest_readings', 'open_anomalies'] LOOP
        EXECUTE format('ALTER VIEW public.%I SET SCHEMA eyes_g1', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY[
        'series', 'origins', 'observations', 'camera_events', 'anomaly_events', 'anomalies', 'quarantine',
        'unregistered', 'facilities', 'zones', 'ticks_latest', 'archive_offsets'
    ] LOOP
        EXECUTE format('ALTER TABLE public.%I SET SCHEMA eyes_g1', name);
    END LOOP;
END
$$;

INSERT INTO projection (state, current_since) VALUES ('current', now());

-- CREATE OR REPLACE keeps grants, and views of others that stand on ours.
CREATE FUNCTION show_generation(number integer) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    home regnamespace := ('eyes_g' || number)::regnamespace;
    one record;
    said record;
BEGIN
    FOR one IN
        SELECT c.oid, c.relname, obj_description(c.oid, 'pg_class') AS about
        FROM pg_class AS c
        WHERE c.relnamespace = home AND c.relkind IN ('r', 'v')
        ORDER BY c.relname
    LOOP
        EXECUTE format('CREATE OR REPLACE VIEW public.%I AS SELECT * FROM %s.%I', one.relname, home, one.relname);
        EXECUTE format('COMMENT ON VIEW public.%I IS %L', one.relname, one.about);
        FOR said IN
            SELECT attname, col_description(attrelid, attnum) AS about
            FROM pg_attribute
            WHERE attrelid = one.oid AND attnum > 0 AND NOT attisdropped
        LOOP
            EXECUTE format('COMMENT ON COLUMN public.%I.%I IS %L', one.relname, said.attname, said.about);
        END LOOP;
    END LOOP;
END
$$;

COMMENT ON FUNCTION show_generation(integer) IS 'Lets the views in public show this generation of the projection.';

SELECT show_generation(1);

DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT r.relname, CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE r.grantee::regrole::text END AS reader
        FROM readers AS r
        WHERE r.relname <> 'schema_migrations'
    LOOP
        EXECUTE format('GRANT SELECT ON public.%I TO %s', one.relname, one.reader);
    END LOOP;
END
$$;
