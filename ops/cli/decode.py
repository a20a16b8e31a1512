"""``eyes decode``: what a message means, by the code of the live path."""

import sys
import time
from typing import Annotated

import msgspec
import typer

from ingest.decoders.configured import catalogue_of
from ops.decoding import LineError, message_of, said_of
from runtime.errors import FatalError
from runtime.settings import load_settings


def decode(
    explain: Annotated[
        bool, typer.Option("--explain", help="say of each message why it went to its decoder, and what it taught")
    ] = False,
) -> None:
    """Read messages as JSON lines on standard input, and write what each means.

    A line in: `{"topic": ..., "payload": ..., "encoding": "json|text|xml|base64", "received": ...}`; payload is text,
    or JSON itself; topic may be null. A line out, in the same order:
    `{"kind", "device_id", "time", "quantities", "active"?, "objects"?, "online"?, "decoder", "unmapped", "error"?}`.
    Lines of one gateway must stand in the order in which they were published: some formats need earlier messages.
    No server is needed; routes and codecs are those of `eyes.toml`. See docs/devices.md.

    Examples:
    - `eyes decode < in.jsonl > out.jsonl`
    - `echo '{"topic":"tele/lamp-7/LWT","payload":"Offline","encoding":"text"}' | eyes decode --explain`
    """
    catalogue = catalogue_of(load_settings())
    wrong = 0
    out = sys.stdout.buffer
    for number, line in enumerate(sys.stdin.buffer, 1):
        if not line.strip():
            continue
        try:
            message = message_of(line, time.time_ns() // 1_000_000)
            said = said_of(catalogue, message, explain=explain)
        except LineError as error:
            wrong += 1
            said = {"kind": "malformed", "device_id": None, "time": None, "quantities": [], "unmapped": []}
            said |= {"decoder": None, "error": f"line {number}: {error}"}
        out.write(msgspec.json.encode(said, enc_hook=str))
        out.write(b"\n")
        out.flush()
    if wrong:
        raise FatalError(f"{wrong} lines were no messages; see eyes decode --help for how one looks")
