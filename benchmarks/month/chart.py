"""Requests by purpose and day as stacked bars, with the month's use against its limit, as SVG."""

from benchmarks.month.figures import Figures
from schemas.kinds import Purpose

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 360, 50, 60, 40, 40
COLOURS = {
    Purpose.BULK: "#4c78a8",
    Purpose.INTERACTIVE: "#f58518",
    Purpose.PULL: "#bab0ac",
    Purpose.LOOK_UP: "#e45756",
}
USED = "#222222"
STEP = 100


def svg(result: Figures) -> str:
    """The chart: bars by the left scale, the line of what is used by the right one, whose top is the limit."""
    highest = max(sum(day.requests.values()) for day in result.days)
    top = (highest // STEP + 1) * STEP
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    slot = inner_width / len(result.days)
    floor = TOP + inner_height
    parts = [_text(LEFT, TOP - 22, "requests per day", "start"), _text(WIDTH - RIGHT, TOP - 22, "used so far", "end")]
    for place, purpose in enumerate(COLOURS):
        key_x = 220 + place * 110
        parts += [_box(key_x, TOP - 31, 10, 10, COLOURS[purpose]), _text(key_x + 15, TOP - 22, str(purpose), "start")]
    for value in range(0, top + 1, STEP * (1 + top // (STEP * 6))):
        y = floor - inner_height * value / top
        parts += [_line(LEFT, y, WIDTH - RIGHT, y, "#dddddd"), _text(LEFT - 6, y + 4, str(value), "end")]
    parts += [_line(LEFT, TOP, WIDTH - RIGHT, TOP, "#c00000", dashes="6 4")]
    parts += [_text(WIDTH - RIGHT + 6, TOP + 4, f"{result.limit:,}", "start")]
    points = []
    for place, day in enumerate(result.days):
        x, y = LEFT + place * slot, float(floor)
        for purpose, colour in COLOURS.items():
            height = inner_height * day.requests.get(purpose, 0) / top
            y -= height
            parts.append(_box(x + slot * 0.15, y, slot * 0.7, height, colour))
        parts.append(_text(x + slot / 2, floor + 16, f"{day.day.day}", "middle"))
        points.append(f"{x + slot / 2:.1f},{floor - inner_height * day.used / result.limit:.1f}")
    parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{USED}" stroke-width="1.5"/>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
    return "\n".join([f'{head} font-size="12">', _box(0, 0, WIDTH, HEIGHT, "#ffffff"), *parts, "</svg>", ""])


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dashes: str = "none") -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-dasharray="{dashes}"/>'
