"""MQTT to Kafka: the bridge, the registry look-up, the clock's ticks and the quarantine of what is refused."""
