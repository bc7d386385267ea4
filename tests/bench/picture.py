"""Draws bars as SVG: groups of them side by side, each with its number, and a line where a target is."""

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, log10

import msgspec

COLORS = ("#9aa5b1", "#2f6fb2", "#c8553d", "#4f9d69", "#8e6bb0")
"""The first is the limit's."""
WIDTH, HEIGHT = 760, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 64, 46
STEPS = (1, 2, 2.5, 5, 10)


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """`groups` along the axis, in each one bar for every one of `series`; `values` by series, in `unit`."""

    name: str
    title: str
    unit: str
    groups: Sequence[str]
    series: Mapping[str, Sequence[float]]
    target: float | None = None

    def svg(self) -> str:
        """The picture, whole."""
        most = nice(max([self.target or 0.0, *(value for values in self.series.values() for value in values)]))
        parts = [self._frame(), *self._axis(most), *self._legend()]
        room = (WIDTH - LEFT - RIGHT) / len(self.groups)
        wide = room * 0.8 / len(self.series)
        for g, group in enumerate(self.groups):
            parts.append(_text(LEFT + (g + 0.5) * room, HEIGHT - BOTTOM + 18, group, "middle"))
            for s, values in enumerate(self.series.values()):
                parts += _bar(LEFT + g * room + room * 0.1 + s * wide, wide, values[g] / most, COLORS[s % len(COLORS)], show(values[g]))
        if self.target is not None:
            y = _height(self.target / most)
            parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#222" stroke-dasharray="5 4"/>')
            parts.append(_text(WIDTH - RIGHT, y - 4, f"target {show(self.target)}", "end"))
        return "\n".join([*parts, "</svg>", ""])

    def _frame(self) -> str:
        size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
        style = 'font-family="sans-serif" font-size="12" fill="#222"'
        back = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
        return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n{back}\n{_text(LEFT, 22, self.title, "start", size=15)}'

    def _axis(self, most: float) -> list[str]:
        lines: list[str] = []
        for quarter in range(5):
            y = _height(quarter / 4)
            lines.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
            lines.append(_text(LEFT - 6, y + 4, show(most * quarter / 4), "end"))
        return [*lines, _text(LEFT - 6, TOP - 12, self.unit, "end")]

    def _legend(self) -> list[str]:
        parts: list[str] = []
        x = float(LEFT)
        for s, name in enumerate(self.series):
            parts.append(f'<rect x="{x:.0f}" y="34" width="12" height="12" fill="{COLORS[s % len(COLORS)]}"/>')
            parts.append(_text(x + 17, 44, name, "start"))
            x += 34 + 7 * len(name)
        return parts


def nice(value: float) -> float:
    """A round number that is not smaller, for the axis to end at; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** ceil(log10(value) - 1)
    return next(step * power for step in STEPS if step * power >= value * (1 - 1e-9))


def show(value: float) -> str:
    """Three digits at least, never more after the point than are worth something."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _height(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _bar(x: float, wide: float, share: float, color: str, label: str) -> list[str]:
    y = _height(share)
    bar = f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide * 0.92:.1f}" height="{HEIGHT - BOTTOM - y:.1f}" fill="{color}"/>'
    return [bar, _text(x + wide * 0.46, y - 4, label, "middle", size=10)]


def _text(x: float, y: float, words: str, anchor: str, size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'
