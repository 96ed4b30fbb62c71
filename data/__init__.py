"""What ships: the ladders, the seed tasks and the champion."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
TIERS = FOLDER / "tiers.toml"
IMAGES = FOLDER / "images.toml"
SEED_TASKS = FOLDER / "seed_tasks.jsonl"
CHAMPION = FOLDER / "champion"
ARTICLE_PIPELINE = FOLDER / "pipelines" / "article.toml"

__all__ = ["ARTICLE_PIPELINE", "CHAMPION", "FOLDER", "IMAGES", "SEED_TASKS", "TIERS"]
