"""Charts as SVG, made by the server: they need no script, follow light and dark by their classes, and print."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

from console.reader import Reader

WIDTH, HEIGHT = 560, 170
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 22


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `tone` names a class of the stylesheet."""

    label: str
    tone: str
    points: Sequence[tuple[datetime, float]]
    dashed: bool = False


def nice_top(value: float) -> float:
    """The next round number, for the top of the scale."""
    if value <= 1:
        return 1.0
    power = 1.0
    while power * 10 < value:
        power *= 10
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def chart(
    reader: Reader,
    title: str,
    lines: Sequence[Line],
    start: datetime,
    end: datetime,
    *,
    unit: str = "",
    days: bool = False,
) -> Markup:
    """A line chart from `start` to `end`; its accessible name tells the latest and the largest values."""
    drawn = [line for line in lines if line.points]
    if not drawn:
        return Markup('<p class="text-secondary mb-0">{}</p>').format("Nothing yet: figures come with every minute.")
    top = nice_top(max(value for line in drawn for _, value in line.points))
    span_s = max((end - start).total_seconds(), 1)

    def x(at: datetime) -> float:
        part = min(max((at - start).total_seconds() / span_s, 0.0), 1.0)
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM)

    name = escape(_told(reader, title, drawn, unit))
    parts = [f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">']
    for share in (0.0, 0.5, 1.0):
        height = y(top * share)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}"/>')
        label = escape(reader.compact(top * share))
        parts.append(f'<text x="{LEFT - 6}" y="{height + 3.5:.1f}" text-anchor="end">{label}</text>')
    for step in range(5):
        at = start + (end - start) * step / 4
        label = escape(reader.day(at.date()) if days else reader.clock(at))
        anchor = "start" if step == 0 else "end" if step == 4 else "middle"
        parts.append(f'<text x="{x(at):.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">{label}</text>')
    for line in drawn:
        path = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in line.points)
        dashes = ' stroke-dasharray="4 4"' if line.dashed else ""
        if len(line.points) == 1:
            at, value = line.points[0]
            parts.append(f'<circle class="dot {line.tone}" cx="{x(at):.1f}" cy="{y(value):.1f}" r="2.5"/>')
        else:
            parts.append(f'<polyline class="line {line.tone}"{dashes} points="{path}"/>')
    return Markup("".join(parts) + "</svg>" + _legend(drawn))  # noqa: S704 - all texts in it are escaped


def _told(reader: Reader, title: str, lines: Sequence[Line], unit: str) -> str:
    said = [
        f"{line.label}: {reader.compact(line.points[-1][1])}{unit} now,"
        f" {reader.compact(max(value for _, value in line.points))}{unit} at most"
        for line in lines
    ]
    return f"{title}. {'; '.join(said)}."


def _legend(lines: Sequence[Line]) -> str:
    entries = "".join(
        f'<span class="plot-entry"><span class="swatch {line.tone}" aria-hidden="true"></span>'
        f"{escape(line.label)}</span>"
        for line in lines
    )
    return f'<div class="plot-key text-secondary">{entries}</div>'
