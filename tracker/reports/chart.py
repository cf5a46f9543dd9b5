"""The picture of a report: an SVG of our own, one row for each group.

On the left how long parcels took, on the right which share came on time. It carries its own colours for light and
dark, its words for those who do not see it, and nothing from elsewhere.
"""

import math
from collections.abc import Iterator, Sequence
from html import escape

from tracker.reports.figures import By, Report, Row

#: So many groups fit into one picture.
MOST = 24

#: The picture's colours. A page that forbids style of unknown origin puts this into its own and calls
#: `chart(…, style=False)`.
STYLE = """
.chart{--paper:#fff;--ink:#1d2733;--soft:#5b6876;--line:#dde3ea;--bar:#2f6fb3;--far:#a9c7e6;--good:#2a8a5f;--rest:#e6ebf0}
@media (prefers-color-scheme:dark){
.chart{--paper:#12181f;--ink:#e6ebf1;--soft:#9aa7b5;--line:#313b47;--bar:#6aa9e9;--far:#2f4d6d;--good:#5cc194;--rest:#2a333d}}
.chart .paper{fill:var(--paper)}
.chart text{font:13px system-ui,sans-serif;fill:var(--ink)}
.chart .soft{fill:var(--soft);font-size:12px}
.chart .title{font-size:15px;font-weight:600}
.chart .line{stroke:var(--line)}
.chart .bar{fill:var(--bar)}
.chart .far{fill:var(--far)}
.chart .good{fill:var(--good)}
.chart .rest{fill:var(--rest)}
""".strip()

_ROW = 26
_TOP = 74
_WIDTH = 900
_LABEL = 216
_DAYS = (226, 506)
_SHARE = (640, 800)


def chart(report: Report, *, style: bool = True) -> str:
    """The picture as one `<svg>` element.

    `style` False leaves the colours to the page, which then has STYLE. Groups beyond MOST are left out, periods the
    oldest first, and the picture says so.
    """
    rows = _shown(report)
    height = _TOP + _ROW * max(1, len(rows)) + 30
    words = _words(report)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {_WIDTH} {height}" role="img"'
        ' aria-labelledby="chart-title chart-desc">',
        f'<title id="chart-title">{escape(words)}</title>',
        f'<desc id="chart-desc">{escape(_description(rows))}</desc>',
        f'<style>{STYLE}</style><rect class="paper" width="{_WIDTH}" height="{height}"/>' if style else "",
        f'<text class="title" x="8" y="22">{escape(words)}</text>',
        *(_scales(rows, height) if rows else ()),
        *(part for index, row in enumerate(rows) for part in _row(row, _TOP + index * _ROW, _longest(rows))),
    ]
    if not rows:
        parts.append(f'<text class="soft" x="8" y="{_TOP + 14}">No parcel ended in this time.</text>')
    if left := len(report.rows) - len(rows):
        parts.append(f'<text class="soft" x="8" y="{height - 10}">and {left} more</text>')
    return "".join((*parts, "</svg>"))


def _shown(report: Report) -> Sequence[Row]:
    rows = report.rows or ([Row({"": "all"}, report.total)] if report.total.parcels else [])
    in_time = report.by[:1] in ((By.MONTH,), (By.WEEK,))
    return rows[-MOST:] if in_time else rows[:MOST]


def _words(report: Report) -> str:
    by = " and ".join(report.by)
    about = f" of {report.carrier}" if report.carrier else ""
    return f"Parcels{about} that ended {report.since:%Y-%m-%d} to {report.until:%Y-%m-%d}" + (
        f", by {by}" if by else ""
    )


def _description(rows: Sequence[Row]) -> str:
    """The same in words."""
    return " ".join(
        f"{row.label}: {row.figures.parcels} parcels,"
        f" median {_days(row.figures.transit_median_days)}, 90th percentile {_days(row.figures.transit_p90_days)},"
        f" on time {_percent(row.figures.on_time_rate)} of {row.figures.on_time_parcels}."
        for row in rows
    )


def _longest(rows: Sequence[Row]) -> float:
    """The end of the scale in days: a round number."""
    longest = max((row.figures.transit_p90_days or 0.0 for row in rows), default=0.0)
    return float(max(1, math.ceil(longest)))


def _scales(rows: Sequence[Row], height: int) -> Iterator[str]:
    yield _text(8, 46, "soft", "parcels ended in brackets")
    yield _text(_DAYS[0], 46, "soft", "days from first scan to delivery: median, and nine of ten")
    yield _text(_SHARE[0], 46, "soft", "delivered by the day promised first")
    longest = _longest(rows)
    step = max(1, math.ceil(longest / 6))
    for day in range(0, math.floor(longest) + 1, step):
        yield from _mark(_at(_DAYS, day / longest), height, str(day))
    for share in (0, 50, 100):
        yield from _mark(_at(_SHARE, share / 100), height, f"{share} %")


def _mark(x: float, height: int, words: str) -> Iterator[str]:
    yield f'<line class="line" x1="{x:g}" x2="{x:g}" y1="{_TOP - 6}" y2="{height - 28}"/>'
    yield f'<text class="soft" x="{x:g}" y="{_TOP - 11}" text-anchor="middle">{words}</text>'


def _row(row: Row, top: int, longest: float) -> Iterator[str]:
    figures = row.figures
    base = top + 15
    yield _text(8, base, "", f"{_short(row.label)} ({figures.parcels:,})")
    middle, far = figures.transit_median_days, figures.transit_p90_days
    if middle is None or far is None:
        yield _text(_DAYS[0] + 4, base, "soft", f"too few to tell ({figures.transit_parcels})")
    else:
        start, end = _at(_DAYS, middle / longest), _at(_DAYS, far / longest)
        yield _bar("far", _DAYS[0], end, top + 7, 8)
        yield _bar("bar", _DAYS[0], start, top + 4, 14)
        yield _text(end + 6, base, "soft", f"{middle:.1f} / {far:.1f}")
    if figures.on_time_rate is None:
        yield _text(_SHARE[0] + 4, base, "soft", "nothing promised")
    else:
        yield _bar("rest", *_SHARE, top + 4, 14)
        yield _bar("good", _SHARE[0], _at(_SHARE, figures.on_time_rate), top + 4, 14)
        yield _text(_SHARE[1] + 6, base, "soft", f"{_percent(figures.on_time_rate)} ({figures.on_time_parcels:,})")


def _at(scale: tuple[int, int], share: float) -> float:
    return round(scale[0] + (scale[1] - scale[0]) * share, 1)


def _bar(kind: str, start: float, end: float, top: int, height: int) -> str:
    return f'<rect class="{kind}" x="{start:g}" y="{top}" width="{max(1.0, end - start):g}" height="{height}" rx="2"/>'


def _text(x: float, y: int, kind: str, words: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y}">{escape(words)}</text>'


def _short(label: str) -> str:
    return label if len(label) <= 24 else f"{label[:23]}…"


def _days(days: float | None) -> str:
    return "not told" if days is None else f"{days:.1f} days"


def _percent(share: float | None) -> str:
    return "not told" if share is None else f"{share:.0%}".replace("%", " %")
