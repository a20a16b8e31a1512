"""Lineage: from a finding back to the MQTT bytes it stands on, each link with its place in the log."""

from ops.trace.chain import Link, Message, Missing, Place, Row, Step, Trace
from ops.trace.log import Log
from ops.trace.tables import Tables
from ops.trace.tracer import Tracer, parse

__all__ = ["Link", "Log", "Message", "Missing", "Place", "Row", "Step", "Tables", "Trace", "Tracer", "parse"]
