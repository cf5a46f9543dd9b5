"""What the parcels that ended tell of carriers: how long they took, whether on time, what went wrong.

Owns the figures, their names, and their picture. Pure: the journeys come from `tracker.store.reporting`, the clock
is an argument, and nothing here knows a terminal or a page.
"""

from tracker.reports.chart import STYLE, chart
from tracker.reports.figures import FEWEST, By, Figures, Journey, Report, Row, columns, flat, report, shape
from tracker.reports.services import service_of

__all__ = [
    "FEWEST",
    "STYLE",
    "By",
    "Figures",
    "Journey",
    "Report",
    "Row",
    "chart",
    "columns",
    "flat",
    "report",
    "service_of",
    "shape",
]
