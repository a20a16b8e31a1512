"""Gives every publication in the feeder's list exactly one fate, by SQL over what the database holds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from runtime.settings import DatabaseSettings

SAMPLE: Final = 10

_LOAD: Final = """
CREATE TEMPORARY TABLE line (doc jsonb);
"""

_FATES: Final = """
CREATE TEMPORARY TABLE sent AS
SELECT
    (doc ->> 'n')::bigint AS n,
    doc ->> 'kind' AS kind,
    doc ->> 'device' AS device,
    coalesce(doc ->> 'property', '') AS property,
    doc ->> 'identity' AS identity,
    (doc ->> 'value')::double precision AS value,
    doc ->> 'topic' AS topic,
    decode(doc ->> 'sha256', 'hex') AS sha256
FROM line;

-- What the database holds of the fed devices, one row per copy; cameras have no property and may touch several zones.
CREATE TEMPORARY TABLE held AS
SELECT s.device, s.observed_property AS property, o.identity, o.result AS value, count(*) AS copies
FROM observations AS o
JOIN series AS s USING (series_id)
WHERE s.device IN (SELECT device FROM sent WHERE kind = 'reading')
GROUP BY 1, 2, 3, 4
UNION ALL
SELECT device, '', identity, NULL, max(copies)
FROM (
    SELECT device, identity, zone, facility, count(*) AS copies
    FROM camera_events
    WHERE device IN (SELECT device FROM sent WHERE kind = 'camera')
    GROUP BY 1, 2, 3, 4
) AS per_place
GROUP BY 1, 2, 3;
CREATE INDEX ON held (device, property, identity);
ANALYZE held;

-- What was derived from what the same device sent, by the two moments and the property that its identity names.
CREATE TEMPORARY TABLE derived AS
SELECT
    device,
    property,
    identity,
    timestamptz 'epoch' + split_part(identity, ':', 2)::bigint * interval '1 millisecond' AS ended,
    timestamptz 'epoch' + split_part(identity, ':', 3)::bigint * interval '1 millisecond' AS began,
    split_part(split_part(identity, ':', 4), '@', 1) AS source
FROM held
WHERE identity LIKE 'd:%';

-- Explained where readings of that property stand at both (of a delta, at the one it stands for).
CREATE TEMPORARY TABLE explained AS
SELECT device, property, identity
FROM derived
WHERE NOT EXISTS (
    SELECT
    FROM unnest(CASE WHEN right(source, 6) = '_delta' THEN ARRAY[ended] ELSE ARRAY[began, ended] END) AS needed (moment)
    WHERE NOT EXISTS (
        SELECT
        FROM observations AS o
        JOIN series AS s USING (series_id)
        WHERE s.device = derived.device AND s.observed_property = derived.source AND o.time = needed.moment
    )
);

-- Other values under a known identity, as they were refused.
CREATE TEMPORARY TABLE contradicted AS
SELECT device, field AS property, doc ->> 'identity' AS identity, (doc ->> 'value')::double precision AS value
FROM (
    SELECT device, field, convert_from(payload, 'UTF8')::jsonb AS doc
    FROM quarantine
    WHERE reason = 'conflicting_duplicate'
) AS refusal;
CREATE INDEX ON contradicted (device, property, identity);
ANALYZE contradicted;

CREATE TEMPORARY TABLE fate AS
WITH numbered AS (
    SELECT
        sent.*,
        row_number() OVER (PARTITION BY kind, device, property, identity, value ORDER BY n) AS copy,
        row_number() OVER (PARTITION BY kind, topic, sha256 ORDER BY n) AS garbage_copy
    FROM sent
),
refused AS (
    SELECT mqtt_topic, payload_sha256, count(*) AS times
    FROM quarantine
    WHERE mqtt_topic IS NOT NULL
    GROUP BY 1, 2
)
SELECT
    numbered.*,
    CASE
        WHEN kind = 'garbage' AND garbage_copy <= coalesce(refused.times, 0) THEN 'quarantined'
        -- Of an oversize message only the first bytes are kept, so its hash cannot be compared.
        WHEN kind = 'garbage' AND EXISTS (
            SELECT FROM quarantine AS q WHERE q.reason = 'oversize' AND q.mqtt_topic = numbered.topic
        ) THEN 'quarantined'
        WHEN kind = 'garbage' THEN 'lost'
        WHEN EXISTS (
            SELECT FROM held
            WHERE held.device = numbered.device AND held.property = numbered.property
                AND held.identity = numbered.identity AND held.value IS NOT DISTINCT FROM numbered.value
        ) THEN CASE WHEN copy = 1 THEN 'stored' ELSE 'identical' END
        WHEN EXISTS (
            SELECT FROM contradicted AS c
            WHERE c.device = numbered.device AND c.property = numbered.property
                AND c.identity = numbered.identity AND c.value IS NOT DISTINCT FROM numbered.value
        ) AND EXISTS (
            SELECT FROM held
            WHERE held.device = numbered.device AND held.property = numbered.property
                AND held.identity = numbered.identity
        ) THEN 'conflict'
        WHEN EXISTS (
            SELECT FROM unregistered AS u
            WHERE u.device = numbered.device AND u.identity = numbered.identity
        ) THEN 'unregistered'
        ELSE 'lost'
    END AS fate
FROM numbered
LEFT JOIN refused ON refused.mqtt_topic = numbered.topic AND refused.payload_sha256 = numbered.sha256;
"""

_DOUBLED: Final = """
SELECT device, property, identity, sum(copies)
FROM held
GROUP BY 1, 2, 3
HAVING sum(copies) > 1
"""

_PHANTOM: Final = """
SELECT device, property, identity
FROM held
WHERE NOT EXISTS (
    SELECT FROM sent
    WHERE sent.device = held.device AND sent.property = held.property AND sent.identity = held.identity
)
AND NOT EXISTS (
    SELECT FROM explained AS e
    WHERE e.device = held.device AND e.property = held.property AND e.identity = held.identity
)
"""


@dataclass(frozen=True, slots=True)
class Account:
    """How many publications had which fate; ``doubled`` and ``phantom`` count identities in the database.

    ``derived`` are the readings nobody sent that follow from others which are stored: neither lost nor phantoms.
    """

    sent: int
    stored: int
    identical: int
    conflicts: int
    quarantined: int
    unregistered: int
    lost: int
    doubled: int
    phantom: int
    derived: int = 0
    samples: tuple[str, ...] = ()

    @property
    def balanced(self) -> bool:
        """Everything sent is stored once or set aside, and nothing else is there."""
        kept = self.stored + self.identical + self.conflicts + self.quarantined + self.unregistered
        return self.sent == kept and not (self.lost or self.doubled or self.phantom)


def account_for(settings: DatabaseSettings, sent_file: Path) -> Account:
    """Settle the account of a feeder's list.

    Raises:
        OSError: the list cannot be read.
        psycopg.Error: the database cannot be asked.
    """
    password = None if settings.password is None else settings.password.get_secret_value()
    with psycopg.connect(settings.dsn, password=password, application_name="eyes-account") as connection:
        connection.execute(_LOAD)
        with connection.cursor().copy("COPY line (doc) FROM STDIN") as copy, sent_file.open(encoding="utf-8") as lines:
            for line in lines:
                copy.write_row((line.rstrip("\n"),))
        connection.execute(_FATES)
        fates: dict[str, int] = dict(connection.execute("SELECT fate, count(*) FROM fate GROUP BY fate").fetchall())
        lost = connection.execute(
            "SELECT kind, coalesce(device, topic), property, identity FROM fate WHERE fate = 'lost' ORDER BY n"
        ).fetchmany(SAMPLE)
        doubled = connection.execute(_DOUBLED).fetchall()
        phantom = connection.execute(_PHANTOM).fetchall()
        ((derived,),) = connection.execute("SELECT count(*) FROM explained").fetchall()
        connection.rollback()  # the temporary tables were all it made
    samples = [("lost", row) for row in lost]
    samples += [("doubled", row) for row in doubled[:SAMPLE]]
    samples += [("phantom", row) for row in phantom[:SAMPLE]]
    return Account(
        sent=sum(fates.values()),
        stored=fates.get("stored", 0),
        identical=fates.get("identical", 0),
        conflicts=fates.get("conflict", 0),
        quarantined=fates.get("quarantined", 0),
        unregistered=fates.get("unregistered", 0),
        lost=fates.get("lost", 0),
        doubled=len(doubled),
        phantom=len(phantom),
        derived=derived,
        samples=tuple(f"{what}: {' '.join(map(str, row))}" for what, row in samples),
    )
