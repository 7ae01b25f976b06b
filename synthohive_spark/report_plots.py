"""Small SVG plots as strings. Colours are CSS classes, so that one plot serves light and dark mode; every text is escaped here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from markupsafe import Markup, escape

from .kernels.grids import round_step
from .spec.findings import ABOVE, BELOW, NULL, OTHER, Distribution

WIDTH, HEIGHT = 320, 132
_TOP, _BASE, _GAP = 8, 106, 10  # the axis text stands below the base line
_SIDE = 15  # width of the bars for what lies beyond the axis
_ROW = 19
_SHOWN = 8
_DAY = 86_400.0


def distribution_plot(distribution: Distribution) -> Markup:
    """Real as filled area or bars, synthetic as orange line or outlined bars."""
    if distribution.kind == "category":
        return _bars(distribution)
    return _histogram(distribution)


def _histogram(d: Distribution) -> Markup:
    cells = dict(zip(d.labels, zip(d.real, d.synthetic, strict=True), strict=True))
    extra = [(name, cells.pop(name)) for name in (BELOW, ABOVE, NULL) if name in cells]
    inner = list(cells.values())
    tails = {name: value for name, value in extra if max(value) >= 0.0005}
    # Nulls are drawn on a scale of their own, 0 to 100 %: beside 99 % of nulls the rest would be a flat line.
    top = max((max(v) for v in [*inner, *(v for name, v in tails.items() if name != NULL)]), default=0.0) or 1.0
    left = 6 + (_SIDE + _GAP if BELOW in tails else 0)
    right = WIDTH - 6 - sum(_SIDE + _GAP for name in (ABOVE, NULL) if name in tails)
    step = (right - left) / max(len(inner), 1)

    def y(share: float) -> float:
        return _BASE - share / top * (_BASE - _TOP)

    shapes = [_steps([v[0] for v in inner], left, step, y, "real", closed=True), _steps([v[1] for v in inner], left, step, y, "syn", closed=False)]
    places = {BELOW: 6.0, ABOVE: right + _GAP, NULL: WIDTH - 6.0 - _SIDE}
    names = {BELOW: "<", ABOVE: ">", NULL: "null"}
    for name, (real, synthetic) in tails.items():
        x, scale = places[name], top if name == NULL else 1.0
        shapes.append(f'<rect class="real tail" x="{x:.1f}" y="{y(real * scale):.1f}" width="{_SIDE}" height="{_BASE - y(real * scale):.1f}"/>')
        shapes.append(f'<path class="syn" d="M{x:.1f} {_BASE}V{y(synthetic * scale):.1f}H{x + _SIDE:.1f}V{_BASE}"/>')
        shapes.append(_text(x + _SIDE / 2, _BASE + 14, names[name], "middle"))
        shapes.append(_hover(x, _SIDE, f"{name}: real {real:.2%}, synthetic {synthetic:.2%}"))
    shapes.append(f'<line class="axis" x1="{left:.1f}" x2="{right:.1f}" y1="{_BASE}" y2="{_BASE}"/>')
    shapes += _ticks(d, left, right)
    for i, (real, synthetic) in enumerate(inner):
        between = f"{format_value(d.edges[i], d)} to {format_value(d.edges[i + 1], d)}"
        shapes.append(_hover(left + i * step, step, f"{between}: real {real:.2%}, synthetic {synthetic:.2%}"))
    return _svg(WIDTH, HEIGHT, shapes, "distribution, real beside synthetic")


def _steps(shares: Sequence[float], left: float, step: float, y: object, css: str, *, closed: bool) -> str:
    height = y if callable(y) else float
    path = [f"M{left:.1f} {_BASE}"]
    for i, share in enumerate(shares):
        path.append(f"V{height(share):.1f}H{left + (i + 1) * step:.1f}")
    path.append(f"V{_BASE}" + ("Z" if closed else ""))
    return f'<path class="{css}" d="{"".join(path)}"/>'


def _ticks(d: Distribution, left: float, right: float) -> list[str]:
    low, high = d.edges[0], d.edges[-1]
    if d.kind == "time":
        low_text, high_text = format_value(low, d), format_value(high, d)
        return [_text(left, _BASE + 14, low_text, "start"), _text(right, _BASE + 14, high_text, "end")]
    whole = d.kind == "count" or all(float(e).is_integer() for e in d.edges)
    step = round_step(high - low, 4, whole=whole, time=False)
    unit = whole and len(d.edges) - 1 == high - low  # one bar per whole number: the label belongs under the middle of its bar
    shapes = []
    first = math.ceil(low / step - 1e-9)
    for k in range(first, math.floor(high / step + 1e-9) + 1):
        value = k * step
        if unit and value >= high:
            continue
        x = left + (value - low + (0.5 if unit else 0)) / (high - low) * (right - left)
        text = format_number(value)
        room = 3.2 * len(text)
        anchor = "start" if x - left + 6 < room else "end" if right + 6 - x < room else "middle"
        shapes.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{_BASE}" y2="{_BASE + 3}"/>')
        shapes.append(_text(x, _BASE + 14, text, anchor))
    return shapes


def _bars(d: Distribution) -> Markup:
    rows = list(zip(d.labels, d.real, d.synthetic, strict=True))
    special = [r for r in rows if r[0] in (OTHER, NULL)]
    named = [r for r in rows if r[0] not in (OTHER, NULL)]
    if len(named) > _SHOWN:
        rest = [(OTHER, sum(r[1] for r in named[_SHOWN:]), sum(r[2] for r in named[_SHOWN:]))]
        rest += [r for r in special if r[0] == OTHER]
        special = [(OTHER, sum(r[1] for r in rest), sum(r[2] for r in rest)), *(r for r in special if r[0] == NULL)]
    rows = [*named[:_SHOWN], *special]
    top = max((max(r[1:]) for r in rows), default=0.0) or 1.0
    left, right = 112, WIDTH - 48
    shapes = []
    for i, (label, real, synthetic) in enumerate(rows):
        y = 4 + i * _ROW
        a, b = ((right - left) * share / top for share in (real, synthetic))
        shapes.append(_text(left - 6, y + 12, _short(label, left - 8), "end", title=label))
        shapes.append(f'<rect class="real" x="{left}" y="{y + 2}" width="{a:.1f}" height="{_ROW - 5}" rx="1.5"/>')
        shapes.append(f'<rect class="syn" x="{left}" y="{y + 4.5}" width="{b:.1f}" height="{_ROW - 10}" rx="1"/>')
        shapes.append(_text(max(left + max(a, b) + 5, left + 5), y + 12, f"{synthetic:.1%}" if synthetic < 0.9995 else "100%", "start"))
        tip = _esc(f"{label}: real {real:.2%}, synthetic {synthetic:.2%}")
        shapes.append(f'<rect class="hover" x="0" y="{y}" width="{WIDTH}" height="{_ROW}"><title>{tip}</title></rect>')
    return _svg(WIDTH, 8 + _ROW * max(len(rows), 1), shapes, "shares per category, real beside synthetic")


def matrix_plot(names: Sequence[str], cells: dict[tuple[int, int], tuple[str, float, str]]) -> Markup:
    """A square of coloured cells.

    Args:
        names: of the rows and columns.
        cells: by (row, column): CSS class, opacity in [0, 1], text to show on hover.
    """
    size = 26 if len(names) <= 16 else 18
    room = min(max((_text_width(n) for n in names), default=0.0), 100.0)
    margin, over = 14 + room, 18 + 0.75 * room
    shapes = []
    for i, name in enumerate(names):
        shown = _short(name, 100.0)
        shapes.append(_text(margin - 6, over + (i + 0.5) * size + 4, shown, "end", title=name))
        x = margin + (i + 0.5) * size
        shapes.append(f'<text x="{x:.1f}" y="{over - 6:.1f}" transform="rotate(-45 {x:.1f} {over - 6:.1f})">{_esc(shown)}</text>')
    for (row, column), (css, opacity, text) in cells.items():
        x, y = margin + column * size, over + row * size
        box = f'x="{x:.1f}" y="{y:.1f}" width="{size - 1.5}" height="{size - 1.5}" rx="2"'
        shapes.append(f'<rect class="cell" {box}/><rect class="{css}" fill-opacity="{opacity:.2f}" {box}><title>{_esc(text)}</title></rect>')
    width = margin + len(names) * size + 8 + 0.7 * room
    return _svg(width, over + len(names) * size + 4, shapes, "matrix of column pairs", natural=True)


def format_number(value: float) -> str:
    """A short number: 1.5k, 20, 0.05, 3e-07."""
    if value == 0:
        return "0"
    size = abs(value)
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if 1e15 > size >= limit:
            return f"{value / (1e3 if unit == 'k' else limit):.4g}{unit}"
    return f"{value:.0f}" if 1 <= size < 1e4 and float(value).is_integer() else f"{value:.3g}" if size < 1e-3 or size >= 1e15 else f"{value:.4g}"


def format_value(value: float, d: Distribution) -> str:
    """An edge of a distribution: a number, a date, or a time where the edges are closer than a day."""
    if d.kind != "time":
        return format_number(value)
    fine = any((e / _DAY) % 1 for e in d.edges)
    try:
        moment = datetime(1970, 1, 1) + timedelta(seconds=value)
    except OverflowError:
        return format_number(value)
    return moment.strftime("%Y-%m-%d %H:%M") if fine else moment.strftime("%Y-%m-%d")


def _text_width(text: str) -> float:
    """About the width of a label in pixels; capitals are a third wider than the rest, and wide scripts twice as wide."""
    return sum(11.0 if ord(c) > 0x1100 else 7.9 if c.isupper() else 6.2 for c in text)


def _short(text: str, room: float) -> str:
    if _text_width(text) <= room:
        return text
    kept = text
    while kept and _text_width(kept) + 9 > room:
        kept = kept[:-1]
    return kept.rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def _hover(x: float, width: float, text: str) -> str:
    return f'<rect class="hover" x="{x:.1f}" y="0" width="{width:.2f}" height="{_BASE}"><title>{_esc(text)}</title></rect>'


def _text(x: float, y: float, text: str, anchor: str, title: str | None = None) -> str:
    tip = f"<title>{_esc(title)}</title>" if title and title != text else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{tip}{_esc(text)}</text>'


def _esc(text: str) -> str:
    return str(escape(text))


def _svg(width: float, height: float, shapes: Sequence[str], title: str, *, natural: bool = False) -> Markup:
    size = f' width="{width:.0f}" height="{height:.0f}"' if natural else ""
    return Markup(f'<svg viewBox="0 0 {width:.0f} {height:.0f}"{size} role="img" aria-label="{_esc(title)}">{"".join(shapes)}</svg>')
