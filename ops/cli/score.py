"""``eyes score``: detectors against labelled data, one module per detector."""

import typer

from ops.cli import score_leak, score_novelty, score_street

app = typer.Typer(help="How good are the detectors? Judged on labelled data.", no_args_is_help=True)
app.command("leak")(score_leak.leak)
app.command("novelty")(score_novelty.novelty)
app.command("street")(score_street.street)
