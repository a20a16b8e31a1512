"""SenML: sensor measurement lists in JSON and CBOR (RFC 8428, units of RFC 8428 and RFC 8798)."""
