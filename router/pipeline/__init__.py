"""Pipelines: steps that every article goes through, planned before they run, resumed where they stopped."""

from .options import RunOptions, StepInBatch
from .pipeline import Pipeline
from .plan import PipelinePlan, PlannedStep
from .result import ArticleResult, PipelineRun
from .step import Step

__all__ = [
    "ArticleResult",
    "Pipeline",
    "PipelinePlan",
    "PipelineRun",
    "PlannedStep",
    "RunOptions",
    "Step",
    "StepInBatch",
]
