"""`sensorium models`: which models there are to use, and what one takes. Loads none, and asks no hub."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Optional

import typer

from sensorium.cli.options import JsonOption


def run(
    check: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--check", metavar="ID", help="Tell what this model takes, by its files on this machine."),
    ] = None,
    is_json: JsonOption = False,
) -> int:
    """List models to use, or tell what one takes.

    Memory is what the weights need; a call needs more on top, by its batch and the size of its inputs.
    """
    if check is not None:
        return _check(check, is_json)
    from sensorium.cli.model_facts import KNOWN_MODELS
    from sensorium.cli.output import Column, print_json, print_table

    if is_json:
        print_json([asdict(model) for model in KNOWN_MODELS])
        return 0
    titles = (Column("model"), Column("for"), Column("takes"), Column("memory"), Column("extras"))
    rows = [(model.name, model.role, model.takes, model.memory, model.extras) for model in KNOWN_MODELS]
    print_table(titles, rows)
    return 0


def _check(name: str, is_json: bool) -> int:
    from sensorium.cli.model_facts import read_facts
    from sensorium.cli.output import Column, print_json, print_table, show_size

    facts = read_facts(name)
    if is_json:
        print_json(asdict(facts))
        return 0
    rows = [
        ("for", facts.kind),
        ("takes", ", ".join(facts.takes) or "cannot be told without loading it"),
        ("network", facts.model_type or "not stated"),
        ("prompts", ", ".join(facts.prompts) or "none"),
        ("weights", show_size(facts.weight_bytes)),
        ("folder", facts.folder or "not on this machine as a whole"),
    ]
    print_table((Column("model"), Column(facts.name)), rows)
    return 0
