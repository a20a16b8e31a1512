"""Sparkplug B: the protobuf payloads and the life cycle of edge nodes and devices (Eclipse Sparkplug 3.0 and 2.2)."""
