"""Pipelines: steps that every article goes through, planned before they run, resumed where they stopped."""

from .pipeline import Pipeline
from .plan import PipelinePlan, PlannedStep
from .step import Step

__all__ = ["Pipeline", "PipelinePlan", "PlannedStep", "Step"]
