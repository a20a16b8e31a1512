"""What ingest knows of devices beyond the registry: their twins, their losses, and what decoders have learned."""
