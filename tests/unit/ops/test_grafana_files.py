from ops.grafana.generate import FOLDER, documents


def test_files_are_what_the_panels_say_today() -> None:
    on_disk = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert on_disk == documents(), "run `python -m ops.grafana.generate` and commit the result"
