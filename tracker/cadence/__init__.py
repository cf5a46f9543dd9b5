"""When to ask a carrier about a parcel: a price for each call, and the news each parcel is likely to have.

Pure: time and chance are arguments; knows no storage, no carrier's wire and no HTTP. `policy` decides with
`almanac` (hazards at hand), which reads `outlook` (what may have happened since a look) off `hazards` (shipped or
learnt, from `learning`); `price` fits the calls into a quota; `patience` is what no price changes.
"""

from tracker.cadence.almanac import Hazards
from tracker.cadence.learning import Lesson, Stay, delay_lessons, lessons, multipliers, upload_delay
from tracker.cadence.patience import STALLED, Cadence, Situation, gives_up, is_quiet, priority
from tracker.cadence.policy import Forecast, Look, fires, forecast, next_look, worth
from tracker.cadence.price import Count, Price, Window
from tracker.cadence.stages import Stage, stage_of

__all__ = [
    "STALLED",
    "Cadence",
    "Count",
    "Forecast",
    "Hazards",
    "Lesson",
    "Look",
    "Price",
    "Situation",
    "Stage",
    "Stay",
    "Window",
    "delay_lessons",
    "fires",
    "forecast",
    "gives_up",
    "is_quiet",
    "lessons",
    "multipliers",
    "next_look",
    "priority",
    "stage_of",
    "upload_delay",
    "worth",
]
