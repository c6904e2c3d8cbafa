"""Charts as SVG: bars on a logarithmic scale, readable on light and on dark pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from contestants import TITLES
from harness import short

WIDTH = 920
LEFT = 250  # of the bars; the labels stand before it
RIGHT = 130  # what remains behind the longest bar, for its figure
BAR = 16
STEP = 22
HEAD = 62
GROUP = 30

_STYLE = """
  text { font: 12px sans-serif; fill: #1f2937 }
  .title { font-size: 16px; font-weight: bold } .group { font-weight: bold } .quiet { fill: #6b7280 }
  .page { fill: #ffffff } .grid { stroke: #e5e7eb } .peer { fill: #9ca3af } .ours { fill: #047857 } .spread { stroke: #1f2937 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e5e7eb } .quiet { fill: #9ca3af } .page { fill: #0d1117 } .grid { stroke: #30363d }
    .peer { fill: #6e7681 } .ours { fill: #34d399 } .spread { stroke: #e5e7eb }
  }
"""


@dataclass(frozen=True)
class Bar:
    label: str
    value: float
    low: float
    high: float
    ours: bool


def bars(title: str, subtitle: str, groups: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """A panel for each group, all on one scale, which begins and ends with a power of ten."""
    groups = [(name, list(members)) for name, members in groups if members]
    values = [value for _, members in groups for bar in members for value in (bar.low, bar.high, bar.value) if value > 0] or [1.0]
    first = math.floor(math.log10(min(values)))
    last = max(math.ceil(math.log10(max(values))), first + 1)

    def x(value: float) -> float:
        return LEFT + (math.log10(max(value, 10**first)) - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    body: list[str] = []
    y = float(HEAD)
    for name, members in groups:
        body.append(f'<text class="group" x="16" y="{y + 17:.0f}">{escape(TITLES.get(name, name))}</text>')
        y += GROUP
        for bar in members:
            body.append(_bar(bar, y, x))
            y += STEP
    height = y + 40
    grid = []
    for decade in range(first, last + 1):
        at = x(10**decade)
        grid.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{HEAD}" y2="{y + 4:.0f}"/>')
        grid.append(f'<text class="quiet" x="{at:.1f}" y="{y + 20:.0f}" text-anchor="middle">{short(10**decade)}</text>')
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img"><title>{escape(title)}</title>',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height:.0f}" rx="6"/>',
        f'<text class="title" x="16" y="26">{escape(title)}</text>',
        f'<text class="quiet" x="16" y="46">{escape(subtitle)}</text>',
        *grid, *body, "</svg>\n",
    ])  # fmt: skip


def _bar(bar: Bar, y: float, x: object) -> str:
    assert callable(x)
    kind = "ours" if bar.ours else "peer"
    middle = y + BAR / 2
    parts = [
        f'<text x="{LEFT - 8}" y="{y + 12:.0f}" text-anchor="end"{" font-weight=" + chr(34) + "bold" + chr(34) if bar.ours else ""}>{escape(bar.label)}</text>',
        f'<rect class="{kind}" x="{LEFT}" y="{y:.0f}" width="{max(x(bar.value) - LEFT, 1):.1f}" height="{BAR}" rx="2"/>',
        f'<text x="{x(bar.high) + 8:.1f}" y="{y + 12:.0f}">{short(bar.value)}</text>',
    ]
    if bar.high > bar.low:
        parts.append(f'<line class="spread" x1="{x(bar.low):.1f}" x2="{x(bar.high):.1f}" y1="{middle:.0f}" y2="{middle:.0f}"/>')
    return "".join(parts)
