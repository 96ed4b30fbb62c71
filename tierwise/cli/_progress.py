"""The progress bar of commands that judge a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def told_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar that is told what is being done, and how far."""
    from tqdm import tqdm

    with tqdm(disable=None, leave=False, bar_format="{desc} {bar} {n}/{total} {elapsed}") as bar:
        last = ""

        def progress(what: str, done: int, total: int) -> None:
            nonlocal last
            if what != last:
                last = what
                bar.reset(total)
                bar.set_description(what)
            bar.update(done - bar.n)

        yield progress
