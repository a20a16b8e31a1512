"""The sequencer: copies everything cases are made of into ``city.case-inputs.v1``, and keeps nothing to itself."""
