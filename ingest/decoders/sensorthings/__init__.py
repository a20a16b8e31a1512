"""OGC SensorThings API 1.0 and 1.1 over MQTT: observations, and the entities that say what they mean."""
