"""Plots as inline SVG: shapes with classes, colours in the style sheet, and a text beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from markupsafe import Markup, escape

from ...log.figures._promise import Bin
from ._words import usd

_WIDTH, _HEIGHT, _LEFT, _BELOW = 640, 200, 72, 24
_LABEL = 20  # height of a label on a phone


def mix_bar(shares: Mapping[str, float], label: str) -> Markup:
    """One bar, divided by share; `shares` in the order of the ladder."""
    parts, x = [], 0.0
    for place, (name, share) in enumerate(shares.items()):
        width = 100.0 * share
        title = escape(f"{name} {share:.1%}")
        parts.append(
            f'<rect class="tier{min(place, 3)}" x="{x:.2f}" y="0" width="{width:.2f}" height="10">'
            f"<title>{title}</title></rect>"
        )
        x += width
    return _svg("0 0 100 10", "mix", label, parts, stretch=True)


def rate_bar(rate: float, low: float, high: float, label: str) -> Markup:
    """A pass rate from 0 to 1 as a point with its interval."""
    x = [2 + 96 * value for value in (low, high, rate)]
    parts = [
        '<line class="axis" x1="2" y1="6" x2="98" y2="6"/>',
        f'<line class="span" x1="{x[0]:.1f}" y1="6" x2="{x[1]:.1f}" y2="6"/>',
        f'<circle class="dot" cx="{x[2]:.1f}" cy="6" r="2.5"/>',
    ]
    return _svg("0 0 100 12", "rate", label, parts)


def by_day(values: Sequence[tuple[date, float]], label: str) -> Markup:
    """Bars from zero, up or down, with the largest and the ends of time written out."""
    high = max(0.0, *(value for _, value in values))
    low = min(0.0, *(value for _, value in values))
    span = (high - low) or 1.0
    step = (_WIDTH - _LEFT) / len(values)
    tall = _HEIGHT - _BELOW - 12

    def y(value: float) -> float:
        return 8 + tall * (high - value) / span

    parts = [f'<line class="axis" x1="{_LEFT}" y1="{y(0):.1f}" x2="{_WIDTH}" y2="{y(0):.1f}"/>']
    for place, (day, value) in enumerate(values):
        top = min(y(value), y(0))
        parts.append(
            f'<rect class="{"gain" if value >= 0 else "loss"}" x="{_LEFT + place * step:.2f}" y="{top:.2f}" '
            f'width="{max(step * 0.8, 0.5):.2f}" height="{abs(y(value) - y(0)):.2f}">'
            f"<title>{day.isoformat()}: {usd(value)}</title></rect>"
        )
    for value in {high, low} - {0.0}:
        if abs(y(value) - y(0)) < _LABEL:  # they would stand on each other
            continue
        told = f"{'−' if value < 0 else ''}${abs(value):,.0f}" if abs(value) >= 100 else usd(value)
        parts.append(_text(_LEFT - 4, y(value) + 4, told, "end"))
    parts.append(_text(_LEFT - 4, y(0) + 4, "$0", "end"))
    parts.append(_text(_LEFT, _HEIGHT - 4, values[0][0].isoformat(), "start"))
    if len(values) > 1:
        parts.append(_text(_WIDTH, _HEIGHT - 4, values[-1][0].isoformat(), "end"))
    return _svg(f"0 0 {_WIDTH} {_HEIGHT}", "plot", label, parts)


def reliability_plot(bins: Sequence[Bin], tiers: Sequence[str], label: str) -> Markup:
    """Predicted against what became of it; a point per tenth and tier, larger where there were more."""
    size, edge = 320, 36
    inner = size - edge - 8

    def at(p: float, q: float) -> tuple[float, float]:
        return edge + inner * p, 8 + inner * (1 - q)

    (x0, y0), (x1, y1) = at(0, 0), at(1, 1)
    parts = [
        f'<line class="axis dashed" x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}"/>',
        f'<path class="frame" d="M{x0} {y1}V{y0}H{x1}"/>',
    ]
    most = max(each.n for each in bins)
    for each in bins:
        x, y = at(each.predicted, each.n_clean / each.n)
        place = min(tiers.index(each.tier), 3) if each.tier in tiers else 3
        told = f"{each.tier}: predicted {each.predicted:.0%}, clean {each.n_clean / each.n:.0%} of {each.n:,}"
        radius = 3 + 6 * (each.n / most) ** 0.5
        parts.append(
            f'<circle class="tier{place}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}">'
            f"<title>{escape(told)}</title></circle>"
        )
    parts += [_text(x0 - 4, y0, "0", "end"), _text(x0 - 4, y1 + 8, "1", "end")]
    parts += [_text(x0, size - 8, "0", "middle"), _text(x1, size - 8, "1", "end")]
    parts.append(_text((x0 + x1) / 2, size - 8, "predicted P(clean)", "middle"))
    parts.append(
        f'<text transform="translate({x0 - 12} {(y0 + y1) / 2}) rotate(-90)" '
        'text-anchor="middle">clean</text>'
    )
    return _svg(f"0 0 {size} {size}", "square", label, parts)


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _svg(box: str, kind: str, label: str, parts: Sequence[str], *, stretch: bool = False) -> Markup:
    how = ' preserveAspectRatio="none"' if stretch else ""
    head = f'<svg class="{kind}" viewBox="{box}" role="img" aria-label="{escape(label)}"{how}>'
    return Markup(head + "".join(parts) + "</svg>")
