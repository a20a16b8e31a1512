-- What people found out about findings.

CREATE TABLE verdicts (
    event_id   text PRIMARY KEY,
    finding_id uuid        NOT NULL,
    is_real    boolean     NOT NULL,
    given_by   text        NOT NULL,
    reason     text,
    given_at   timestamptz NOT NULL,
    stored_at  timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX verdicts_finding ON verdicts (finding_id, given_at DESC);

COMMENT ON TABLE verdicts IS 'Verdicts on findings, each of them; the newest on a finding counts. Key: event_id.';
COMMENT ON COLUMN verdicts.event_id IS 'CloudEvents id of the verdict.';
COMMENT ON COLUMN verdicts.finding_id IS 'The finding it is about.';
COMMENT ON COLUMN verdicts.is_real IS 'Whether the matter was there.';
COMMENT ON COLUMN verdicts.given_by IS 'Who says so.';
COMMENT ON COLUMN verdicts.reason IS 'Why, in their words.';
COMMENT ON COLUMN verdicts.given_at IS 'Wall time at which it was given.';
COMMENT ON COLUMN verdicts.stored_at IS 'Start of the database transaction that stored the row.';
