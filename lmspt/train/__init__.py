"""The training engine around ESPnet's trainer; it knows no task."""

from lmspt.train.config import TrainConfig
from lmspt.train.engine import BatchSource, NotFinite, fit

__all__ = ["BatchSource", "NotFinite", "TrainConfig", "fit"]
