"""tierwise serve: the service over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ._policy import policy_options
from ._remote import tell_of_mlflow


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Beyond loopback --tokens is required.")
@click.option("--port", default=8787, show_default=True, type=click.IntRange(0, 65_535))
@click.option("--log", envvar="TIERWISE_LOG", help="A path or url of an outcome log  [default: TIERWISE_LOG]")
@click.option("--model", envvar="TIERWISE_MODEL", help="A model folder, a store, or models:/NAME@ALIAS.")
@click.option(
    "--tokens", type=click.Path(path_type=Path), envvar="TIERWISE_TOKENS", help="Of `tierwise token new`."
)
@click.option("--allow-host", "allowed_hosts", multiple=True, help="A further name in Host headers.")
@click.option(
    "--trust-proxy", "trusted_proxies", multiple=True, help="An address or network whose X-Forwarded-* count."
)
@click.option(
    "--requests-per-s", type=click.FloatRange(min=0, min_open=True), help="Of one token, or address."
)
@click.option("--burst", type=click.IntRange(min=1), help="So many of them at once (default 200).")
@click.option("--max-body-mib", type=click.IntRange(1, 1024), help="Of one request (default 32).")
@click.option(
    "--drain-s",
    type=click.FloatRange(min=0),
    help="Seconds that requests in flight have when it is stopped (default 30).",
)
@click.option("--upstream", "upstream_url", help="Where /v1/messages goes (default: Anthropic's API).")
@click.option(
    "--probe-budget", type=click.FloatRange(0, 0.5), help="Share of decisions that may try a tier below."
)
@policy_options
def serve(policy: Any, probe_budget: float | None, max_body_mib: int | None, **options: Any) -> None:
    """Decide over HTTP: an API under /v1, pages under /, metrics under /metrics.

    \b
    tierwise serve --log outcomes.db
    tierwise token new --tokens tokens.json
    tierwise serve --host 0.0.0.0 --tokens tokens.json --log postgresql+psycopg://…

    The model is watched: promote another one, and it serves. SIGTERM finishes what is in flight.
    """
    from ..router.serve import Settings, run

    given = {name: value for name, value in options.items() if value not in (None, ())}
    if max_body_mib is not None:
        given["max_body_bytes"] = max_body_mib * 2**20
    settings = Settings(policy=_with_probes(policy, probe_budget), **given)
    tell_of_mlflow(settings.model_source)
    run(settings, started=_say)


def _with_probes(policy: Any, probe_budget: float | None) -> Any:
    if probe_budget is None:
        return policy
    from dataclasses import replace

    from ..router.policy import Policy

    return replace(policy or Policy(), probe_budget=probe_budget)


def _say(host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"tierwise serves on http://{shown}:{port}")
