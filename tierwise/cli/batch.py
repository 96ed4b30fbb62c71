"""tierwise batch: tasks at half the price, for those who can wait."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from ..classifier.errors import InvalidTask
from ._address import check_address
from ._answers import check_option, request_options
from ._input import read_with_ids, source_options
from ._policy import policy_options
from ._run_text import INTERRUPTED, journal_beside

if TYPE_CHECKING:
    from ..router.ladder import Ladder
    from ..router.run.batches import BatchJob, ItemResult

_JOB = click.argument("journal", type=click.Path(path_type=Path))
_LOG = click.option("--log", "url", envvar="TIERWISE_LOG", help="Log decisions, verdicts and money here.")
_LADDER = click.option("--ladder", "ladder_path", type=click.Path(path_type=Path), help="A tiers file.")
_JSON = click.option("--json", "as_json", is_flag=True)


@click.group()
def batch() -> None:
    """Submit tasks as batches, ask how far they are, collect the results. Uses ANTHROPIC_API_KEY."""


@batch.command()
@source_options
@click.option(
    "--journal", type=click.Path(path_type=Path, dir_okay=False), help="The job  [default: FILE.batch]"
)
@_LOG
@_JSON
@request_options
@policy_options
def submit(
    stream: TextIO | None,
    form: str,
    journal: Path | None,
    url: str | None,
    as_json: bool,
    request: Any,
    policy: Any,
) -> None:
    """Decide the tier of each task and send them, by tier and model. After a crash: the same again.

    \b
    tierwise batch submit --file tasks.jsonl
    tierwise batch collect tasks.jsonl.batch --check json --wait > results.jsonl
    """
    from ..router.router import Router

    if stream is None and sys.stdin.isatty():
        raise InvalidTask("Give --file FILE, or tasks on stdin. See --help.")
    check_address()
    path = journal or journal_beside(stream, ".batch")
    tasks = list(read_with_ids(stream or sys.stdin, form=form))
    with Router(policy=policy, log=url) as router:
        job = router.submit_batch(tasks, journal=path, options=request)
    _show(job, path, as_json=as_json)


@batch.command()
@_JOB
@_LADDER
@_JSON
def status(journal: Path, ladder_path: Path | None, as_json: bool) -> None:
    """How far a job was when it was last collected, from its JOURNAL alone."""
    from ..router.ladder import Ladder

    ladder = None if ladder_path is None else Ladder.load(ladder_path)
    _show(_opened(journal, ladder), journal, as_json=as_json)


@batch.command()
@_JOB
@check_option
@_LOG
@click.option("--wait", is_flag=True, help="Until all are done.")
@click.option(
    "--every", "every_s", type=click.FloatRange(0, 86_400), default=60.0, show_default=True, help="s"
)
@policy_options
@click.option("--all", "show_all", is_flag=True, help="Print results that were collected before, too.")
def collect(
    journal: Path,
    check: Any,
    url: str | None,
    wait: bool,
    every_s: float,
    policy: Any,
    show_all: bool,
) -> None:
    """Print what has come since the last time, one JSON object a line; "number" is the task's place, "key"
    its "id".

    An answer that fails the check is tried again on a tier above, at once and at the full price, as is what
    the batch could not do. After a crash: the same again; --all prints what was collected before the crash.
    """
    from tqdm import tqdm

    from ..router.router import Router

    check_address()
    ladder = None if policy is None else policy.ladder
    job = _opened(journal, ladder)
    numbers = {each: number for number, each in enumerate(job.tasks, start=1)}
    if show_all:
        _print(job.results.values(), numbers)
    done = job.status().done
    with (
        Router(policy=policy, log=url) as router,
        tqdm(total=len(numbers), initial=done, unit=" tasks", disable=None, leave=False) as progress,
    ):
        try:
            while True:
                found = router.collect_batch(job, check=check)
                progress.update(len(found))
                with progress.external_write_mode(file=sys.stdout):
                    _print(found, numbers)
                if job.is_finished or not wait:
                    break
                time.sleep(every_s)
        except KeyboardInterrupt:
            progress.close()
            click.echo(f"tierwise: interrupted; collect {journal} again to go on.", err=True)
            sys.exit(INTERRUPTED)
    _show(job, journal, as_json=False, echo=lambda line: click.echo(line, err=True))


def _opened(journal: Path, ladder: Ladder | None) -> BatchJob:
    from ..router.run.batches import BatchJob

    return BatchJob.open(journal, ladder=ladder)


def _print(results: Iterable[ItemResult], numbers: dict[str, int]) -> None:
    for result in results:
        click.echo(json.dumps({"number": numbers[result.id], **result.to_dict()}))


def _show(job: BatchJob, path: Path, *, as_json: bool, echo: Callable[[str], None] = click.echo) -> None:
    found = job.status()
    if as_json:
        echo(json.dumps({"journal": str(path), **asdict(found)}))
        return
    kinds = ", ".join(f"{count:,} {name}" for name, count in found.by_status.items())
    echo(f"{path}: {found.items:,} tasks, {found.done:,} done{f' ({kinds})' if kinds else ''}")
    echo(f"{found.sent} of {found.parts} batches sent, ${found.cost_usd:.6f} for what is done")
    if found.waiting:
        echo(f"next: tierwise batch collect {path}")
