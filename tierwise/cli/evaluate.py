"""tierwise evaluate: what a model would have done with finished tasks, and whether it may serve."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..classifier.errors import ArtifactMissing, InvalidTraining
from ..router.policy import Policy
from ._outcomes import outcomes_of
from ._policy import policy_options
from ._progress import told_bar
from ._remote import tell_of_mlflow

if TYPE_CHECKING:
    import pandas as pd

    from .. import TierModel


@click.command()
@click.argument("model")
@click.option(
    "--log",
    "url",
    envvar="TIERWISE_LOG",
    help="A path, sqlite:///path.db or postgresql+psycopg://…  [default: TIERWISE_LOG]",
)
@click.option(
    "--frame", type=click.Path(path_type=Path, dir_okay=False), help="Instead: CSV, JSON lines or Parquet."
)
@click.option("--against", help="The champion: compare, and ask the gate.")
@click.option("--baseline", default="sonnet", show_default=True, help="The tier that did everything.")
@click.option("--correction-usd", type=float, help="Price of one correction (default: the policy's; else 5).")
@click.option("--pinned", type=click.Path(path_type=Path), help="JSON lines of cases that must not move.")
@click.option("--errors-out", type=click.Path(path_type=Path), help="CSV of wrong and uncertain choices.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@policy_options
def evaluate(
    model: str,
    url: str | None,
    frame: Path | None,
    against: str | None,
    baseline: str,
    correction_usd: float | None,
    pinned: Path | None,
    errors_out: Path | None,
    as_json: bool,
    policy: Policy | None,
) -> None:
    """What MODEL would have done with finished tasks: cost, under-tiering, calibration.

    MODEL is a model folder, a store (its champion), or an MLflow URI.

    With --against it is compared with the model that serves, on what neither was trained on, and the gate
    says promote, canary or refuse; refuse is exit 1.

    \b
    tierwise evaluate models/friday --log log.db --correction-usd 4
    tierwise evaluate models/friday --log log.db --against models/now --pinned pinned.jsonl
    """
    if url is None and frame is None:
        raise InvalidTraining("Which outcomes? Give --log, a path or a url, or --frame, a file.")
    if pinned is not None and against is None:
        raise InvalidTraining("--pinned is for the gate, which needs --against: the model that serves.")
    if errors_out is not None and not errors_out.absolute().parent.is_dir():
        raise InvalidTraining(
            f"--errors-out: there is no folder {errors_out.absolute().parent}. Make it first."
        )
    from .. import TierModel, compare, gate
    from .. import evaluate as judge

    tell_of_mlflow(model, against)
    judged = TierModel.load(model)
    champion = None if against is None else _champion(against, model)
    given: dict[str, Any] = {"policy": policy, "correction_usd": correction_usd}
    with outcomes_of(frame, url) as outcomes, told_bar() as progress:
        given["progress"] = progress
        report = judge(judged, outcomes, baseline=baseline, **given)
        found = None if champion is None else compare(champion, judged, outcomes, **given)
    verdict = None if found is None else gate(found, pinned=pinned)
    parts = {"evaluation": report, "comparison": found, "gate": verdict}
    known = {name: part for name, part in parts.items() if part is not None}
    if as_json:
        click.echo(json.dumps({name: part.to_dict() for name, part in known.items()}, ensure_ascii=False))
    else:
        click.echo("\n\n".join(map(str, known.values())))
    if errors_out is not None:
        _written(report.errors, errors_out)
    if verdict is not None and verdict.verdict == "refuse":
        raise SystemExit(1)


def _champion(against: str, challenger: str) -> TierModel:
    from .. import TierModel

    try:
        return TierModel.load(against)
    except ArtifactMissing as error:
        raise ArtifactMissing(
            f"--against: there is no champion at {against} to compare with. Leave the option out, or make "
            f"{challenger} the first one: tierwise promote {challenger} --to {against}",
            about=against,
        ) from error


def _written(errors: pd.DataFrame, path: Path) -> None:
    """The report has been shown by now: a full disk doesn't take it away."""
    try:
        errors.to_csv(path, index=False)
    except OSError as error:
        raise InvalidTraining(f"The errors can't be written to {path}: {error.strerror or error}.") from error
