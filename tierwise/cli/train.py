"""tierwise train: a classifier from finished tasks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..classifier.errors import InvalidTraining, StoreError, StoreUnavailable
from ._outcomes import outcomes_of

if TYPE_CHECKING:
    from ..training.train import TrainedModel


@click.command()
@click.argument("frame", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--log",
    "url",
    envvar="TIERWISE_LOG",
    help="Without FRAME: the outcome log, a path, sqlite:///path.db or postgresql+psycopg://…  "
    "[default: TIERWISE_LOG]",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the new model.")
@click.option(
    "--base", type=click.Path(path_type=Path), help="Model folder to start from; default: the shipped one."
)
@click.option(
    "--heard-ratio",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.01, 100),
    help="How many times likelier a correction is to be reported than a clean pass.",
)
@click.option(
    "--hold-back",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0.0, 0.9),
    help="Share of the outcomes, the newest, to train without: evaluate and promote judge the model on them.",
)
@click.option(
    "--track",
    is_flag=False,
    flag_value="tierwise",
    metavar="[EXPERIMENT]",
    help="Log the run to MLflow at MLFLOW_TRACKING_URI, and register the model there as the challenger.",
)
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def train(
    frame: Path | None,
    url: str | None,
    out: Path,
    base: Path | None,
    heard_ratio: float,
    hold_back: float,
    track: str | None,
    as_json: bool,
) -> None:
    """Fit a model to finished tasks, and write it to a folder of its own.

    They come from the outcome log or from FRAME, a CSV, JSON-lines or Parquet file with one row each:
    specification, task_type, tier, verdict (clean, corrected, failed), at (with a time zone), and any facts.
    What serves stays as it is: `tierwise promote` lets the model serve, or TIERWISE_MODEL, pointed at its
    folder.

    \b
    tierwise train --log outcomes.db --hold-back 0.4 --out trained/friday
    tierwise train outcomes.csv --out trained/friday --track
    """
    if frame is None and url is None:
        raise InvalidTraining("Which outcomes? Give FRAME, a file, or --log, a path or a url.")
    from tqdm import tqdm

    from .. import TierModel
    from .. import train as fit
    from ..training.outcomes.learner import STANDARD, Config

    if track is not None:
        from ..classifier.artifact._mlflow import check_chosen

        check_chosen("log the training")  # before it takes its minutes
    start = None if base is None else TierModel.load(base)
    bar = tqdm(total=6, disable=None, leave=False, bar_format="{desc} {bar} {elapsed}")
    with outcomes_of(frame, url) as outcomes, bar:

        def step(name: str) -> None:
            bar.set_description_str(name)
            bar.update()

        config = Config(widths=replace(STANDARD, heard_ratio=heard_ratio))
        model = fit(outcomes, base=start, config=config, held_back=hold_back, progress=step)
    model.save(out)
    tracked = None if track is None else _track(model, out, track)
    if as_json:
        click.echo(json.dumps({**model.report, **({} if tracked is None else {"mlflow": tracked})}, indent=1))
        return
    click.echo(_as_text(model.report, out))
    if tracked is not None:
        click.echo(f"In MLflow: {tracked['uri']}, run {tracked['run_id']}")


def _track(model: TrainedModel, out: Path, experiment: str) -> dict[str, str]:
    """The model is saved by now: whatever MLflow does, the training is not lost."""
    from ..training.promotion.tracking import log_training

    try:
        logged = log_training(model, experiment=experiment)
    except StoreError as error:
        raise StoreUnavailable(
            f"The model is in {out}, but it was not tracked. {error}", about=out
        ) from error
    return {"uri": logged.uri, "run_id": logged.run_id}


def _as_text(report: dict[str, Any], out: Path) -> str:
    metrics, widths = report["metrics"], report["widths"]
    lines = [
        f"{report['rows']} outcomes of {report['task_types']} task types",
        f"on {metrics['split']}: log loss {metrics['log_loss']}, Brier {metrics['brier']}; "
        f"clean {metrics['clean_share']}, predicted {metrics['mean_predicted']}",
        f"types differ by {widths['level_sd']} (level) and {widths['deviation_sd']} (gaps) in log-odds; "
        f"no tier avoids a correction in {widths['epsilon']:.1%} of outcomes",
        *report["notes"],
        f"Written to {out}. To serve it: TIERWISE_MODEL={out}",
    ]
    return "\n".join(lines)
