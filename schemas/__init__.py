"""What every message means: models, code lists, the catalogue of topics. Imports nothing of ours."""
