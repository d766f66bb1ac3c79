"""Seeing where a model's time and memory go; `Model.profile` and `Model.memory_report`."""

from cnnfast.profiling.memory import MemoryReport, PlanMemory, memory_report
from cnnfast.profiling.profile import Profile, Row, profile

__all__ = ["MemoryReport", "PlanMemory", "Profile", "Row", "memory_report", "profile"]
