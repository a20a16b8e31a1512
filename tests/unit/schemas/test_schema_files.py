"""The JSON Schemas in the tree are the models' own."""

from schemas.generate import FOLDER, documents


def test_files_are_what_the_models_say_today() -> None:
    on_disk = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert on_disk == documents(), "run `python -m schemas.generate` and commit the result"
