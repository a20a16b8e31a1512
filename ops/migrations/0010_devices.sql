-- Devices: the newest twin of each, from city.devices.v1.

CREATE TABLE devices (
    device           text PRIMARY KEY,
    shard            text        NOT NULL,
    registered       boolean     NOT NULL,
    decoder          text        NOT NULL,
    mqtt_topic       text        NOT NULL,
    first_seen       timestamptz NOT NULL,
    last_seen        timestamptz NOT NULL,
    messages         bigint      NOT NULL,
    online           boolean,
    vendor           text,
    model            text,
    name             text,
    firmware         text,
    hardware         text,
    gateway          text,
    lon              double precision,
    lat              double precision,
    interval_s       double precision,
    uptime_s         double precision,
    tags             jsonb       NOT NULL,
    event            text,
    last_values      jsonb       NOT NULL,
    unmapped         jsonb       NOT NULL,
    received         bigint      NOT NULL,
    lost             bigint      NOT NULL,
    repeated         bigint      NOT NULL,
    restarts         bigint      NOT NULL,
    relayed_received bigint      NOT NULL,
    relayed_lost     bigint      NOT NULL,
    battery_percent  double precision,
    battery_per_day  double precision,
    battery_empty_at timestamptz,
    log_offset       bigint      NOT NULL
);

CREATE INDEX devices_unregistered ON devices (last_seen) WHERE NOT registered;

COMMENT ON TABLE devices IS 'Newest twin of every device that was ever heard (schemas.device.DeviceTwin).';
COMMENT ON COLUMN devices.device IS 'Device id, as its gateway calls it.';
COMMENT ON COLUMN devices.shard IS 'Ingest that hears it.';
COMMENT ON COLUMN devices.registered IS 'Whether a facility claims it.';
COMMENT ON COLUMN devices.decoder IS 'Format of its newest message.';
COMMENT ON COLUMN devices.mqtt_topic IS 'Topic of its newest message.';
COMMENT ON COLUMN devices.first_seen IS 'Clock time of its first message.';
COMMENT ON COLUMN devices.last_seen IS 'Clock time of the newest message in this row.';
COMMENT ON COLUMN devices.messages IS 'Messages so far.';
COMMENT ON COLUMN devices.online IS 'What it, its gateway or its will last said; null where nobody says.';
COMMENT ON COLUMN devices.vendor IS 'Vendor, by its own messages.';
COMMENT ON COLUMN devices.model IS 'Model, by its own messages.';
COMMENT ON COLUMN devices.name IS 'Name people gave it.';
COMMENT ON COLUMN devices.firmware IS 'Version of its firmware.';
COMMENT ON COLUMN devices.hardware IS 'Version of its hardware.';
COMMENT ON COLUMN devices.gateway IS 'Who last spoke for it.';
COMMENT ON COLUMN devices.lon IS 'Longitude by its own messages, WGS 84, degrees.';
COMMENT ON COLUMN devices.lat IS 'Latitude by its own messages, WGS 84, degrees.';
COMMENT ON COLUMN devices.interval_s IS 'Seconds between two messages when all is well, by its own word.';
COMMENT ON COLUMN devices.uptime_s IS 'Seconds since it was started, by its newest word.';
COMMENT ON COLUMN devices.tags IS 'Tags its gateway gives it.';
COMMENT ON COLUMN devices.event IS 'What happened last that is no measurement.';
COMMENT ON COLUMN devices.last_values IS 'Newest value per property and channel (schemas.device.LastValue).';
COMMENT ON COLUMN devices.unmapped IS 'Fields that became no reading (schemas.device.UnmappedField).';
COMMENT ON COLUMN devices.received IS 'Numbered messages that came.';
COMMENT ON COLUMN devices.lost IS 'Numbers that never came.';
COMMENT ON COLUMN devices.repeated IS 'Numbers that came again.';
COMMENT ON COLUMN devices.restarts IS 'How often it began to count, or its uptime, anew.';
COMMENT ON COLUMN devices.relayed_received IS 'Numbered messages it carried for others.';
COMMENT ON COLUMN devices.relayed_lost IS 'Numbers missing among them.';
COMMENT ON COLUMN devices.battery_percent IS 'State of charge, percent.';
COMMENT ON COLUMN devices.battery_per_day IS 'Percent a day over the last 30 days, negative when it empties.';
COMMENT ON COLUMN devices.battery_empty_at IS 'When it will be empty if it goes on so.';
COMMENT ON COLUMN devices.log_offset IS 'Offset in city.devices.v1 of the twin in this row; an older one changes nothing.';
