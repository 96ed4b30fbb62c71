"""tierwise run: tasks done by Claude at the lowest cost that passes, with a budget and a journal."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from ..classifier.task import FACTS
from ._address import check_address
from ._answers import check_option, request_options
from ._facts import fact_options, given
from ._input import check_source, read_with_ids, source_options
from ._money_bar import MoneyBar
from ._policy import policy_options
from ._run_text import INTERRUPTED, header, journal_beside, row, totals

if TYPE_CHECKING:
    from ..router.run.jobs import RunSummary, TaskResult


@click.command()
@click.argument("specification", required=False)
@source_options
@click.option(
    "--journal",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where results are written as they come  [default: FILE.journal]",
)
@check_option
@click.option("--max-usd", type=float, help="For all tasks together, earlier runs of the journal included.")
@click.option("--concurrency", type=click.IntRange(min=1), default=8, show_default=True)
@click.option(
    "--log", "url", envvar="TIERWISE_LOG", help="Log decisions and verdicts here, and learn from it."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line; all else goes to stderr.")
@request_options
@policy_options
@fact_options
def run(
    specification: str | None,
    stream: TextIO | None,
    form: str,
    journal: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Run a task, or many from --file or stdin: the lowest tier first, a tier above where a check fails.

    Uses ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL. A row may have an "id". Interrupted, killed, or out of
    budget: the same command again goes on, and pays nothing twice but what was in flight when it was killed.

    \b
    tierwise run "Name this bakery, one line" --check max-chars=40
    tierwise run --file tasks.jsonl --check json --max-usd 2 --json > results.jsonl

    Exit codes: 0 all done and passed, 1 not all, 2 bad input or no access, 130 interrupted.
    """
    facts = given({name: options.pop(name) for name in FACTS})
    check_source(specification, stream, facts)
    check_address()
    if specification is not None:
        tasks: list[Any] = [{"specification": specification, **facts}]
    else:
        journal = journal or journal_beside(stream, ".journal")
        tasks = list(read_with_ids(stream or sys.stdin, form=form))
    shown = _Shown(len(tasks), as_json=as_json, single=specification is not None)
    try:
        summary = asyncio.run(_run(tasks, journal, shown, **options))
    except (KeyboardInterrupt, asyncio.CancelledError):
        shown.close()
        where = (
            f"what is done is in {journal}; run the same again to go on" if journal else "nothing was kept"
        )
        click.echo(f"tierwise: interrupted; {where}.", err=True)
        sys.exit(INTERRUPTED)
    finally:
        shown.close()
    shown.end(summary)
    sys.exit(0 if summary.n_left == 0 and all(_is_fine(each) for each in summary.results) else 1)


async def _run(
    tasks: list[Any],
    journal: Path | None,
    shown: _Shown,
    *,
    policy: Any,
    url: str | None,
    check: Any,
    request: Any,
    max_usd: float | None,
    concurrency: int,
) -> RunSummary:
    from ..router.router import Router
    from ..router.run.jobs import arun_many

    async with Router(policy=policy, log=url) as router:
        job = asyncio.create_task(
            arun_many(
                router,
                tasks,
                journal=journal,
                check=check,
                options=request,
                max_usd=max_usd,
                concurrency=concurrency,
                on_result=shown.result,
                on_known=shown.result,
            )
        )
        with _ctrl_c_cancels(job):
            return await job


@contextmanager
def _ctrl_c_cancels(job: asyncio.Task[Any]) -> Iterator[None]:
    """Ctrl-C cancels the job, a second one cancels it again. Asyncio's own handler would raise the second in
    the middle of a worker."""

    def cancel() -> None:
        if not job.cancelling():
            click.echo("\nfinishing what is in flight; Ctrl-C again leaves it behind", err=True)
        job.cancel()

    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # on Windows asyncio's own handler cancels, and says nothing
        loop.add_signal_handler(signal.SIGINT, cancel)
    try:
        yield
    finally:
        with suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)


class _Shown:
    """Results as they come, and on stderr, where a person watches, the money so far."""

    def __init__(self, n_tasks: int, *, as_json: bool, single: bool) -> None:
        self._as_json, self._single, self._n = as_json, single, 0
        self._bar = MoneyBar(n_tasks, "tasks")

    def result(self, result: TaskResult) -> None:
        self._bar.add(result)
        with self._bar.aside(sys.stdout):
            self._print(result)
        self._n += 1

    def _print(self, result: TaskResult) -> None:
        if self._as_json:
            click.echo(json.dumps(result.to_dict()))
        elif not self._single:
            if not self._n:
                click.echo(header())
            click.echo(row(result))
        elif result.status == "error":
            click.echo(f"tierwise: {result.detail}", err=True)
        else:
            click.echo(result.text)

    def end(self, summary: RunSummary) -> None:
        aside = self._as_json or self._single
        for line in totals(summary):
            click.echo(line, err=aside)

    def close(self) -> None:
        self._bar.close()


def _is_fine(result: TaskResult) -> bool:
    return result.is_usable or result.status == "no_model"
