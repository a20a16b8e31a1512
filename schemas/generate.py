"""Writes the JSON Schema of every event type next to the models: ``python -m schemas.generate``."""

import json
from pathlib import Path
from typing import Final

from schemas.camera import CameraObservation
from schemas.envelope import EVENT_TYPES, Envelope
from schemas.facility import Facility
from schemas.model import Model
from schemas.observation import Observation

FOLDER: Final = Path(__file__).parent / "json"

_DOCUMENTS: Final[dict[str, type[Model]]] = {
    **EVENT_TYPES,
    "org.digital-eyes.envelope.v1": Envelope,
    "org.digital-eyes.mqtt.observation.v1": Observation,
    "org.digital-eyes.mqtt.camera.v1": CameraObservation,
    "org.digital-eyes.registry.facility.v1": Facility,
}


def documents() -> dict[str, str]:
    """File name to text of every JSON Schema (draft 2020-12)."""
    return {f"{name}.json": _document(name, model) for name, model in sorted(_DOCUMENTS.items())}


def _document(name: str, model: type[Model]) -> str:
    schema = model.model_json_schema(by_alias=True)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:{name}"}
    return json.dumps(head | schema, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Replace the folder's contents."""
    FOLDER.mkdir(exist_ok=True)
    current = documents()
    for stale in FOLDER.glob("*.json"):
        if stale.name not in current:
            stale.unlink()
    for name, text in current.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
