# SPDX-License-Identifier: MIT
"""The pictures that tools/bench draws: SVG, by hand, for a browser or the book.

size_plot(series)    panels of lines, log-log: what an operation costs against how many there are
goal_plot(rows)      a line for each row of the bench: EuraliOS, its goal, Linux, on a log scale
"""
import math
from html import escape

INK, GREY, GRID = "#1a1a1a", "#5f5f5f", "#e2e2e2"
COLOURS = ("#0b6fb8", "#c2490c", "#2f7d32")
FONT = 'font-family="Helvetica, Arial, sans-serif"'


def document(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}">\n<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
            + "\n".join(parts) + "\n</svg>\n")


def text(x, y, content, size=12, anchor="start", colour=INK, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" {FONT} font-size="{size}" text-anchor="{anchor}" '
            f'font-weight="{weight}" fill="{colour}">{escape(content)}</text>')


def line(x1, y1, x2, y2, colour=GRID, width=1.0, dash=""):
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width}"{dashes}/>')


def power(n):
    """10,000 for 4."""
    return f"{10 ** n:,}"


# --- cost against size ---------------------------------------------------------------------------

PANEL_W, PANEL_H, LEFT, TOP, GAP_X, GAP_Y = 260, 190, 58, 78, 62, 104
COLUMNS, DECADES_X = 3, 4


def panel(x, y, title, lines, low, high):
    """One panel: lines = [(name, [(size, cost)])], costs between 10^low and 10^high."""
    def at(size, cost):
        return (x + PANEL_W * math.log10(size) / DECADES_X,
                y + PANEL_H * (high - math.log10(max(cost, 1))) / (high - low))

    parts = [text(x, y - 14, title, 14, weight="bold")]
    for decade in range(low, high + 1):
        _, at_y = at(1, 10 ** decade)
        parts += [line(x, at_y, x + PANEL_W, at_y), text(x - 8, at_y + 4, power(decade), 11, "end", GREY)]
    for decade in range(DECADES_X + 1):
        at_x, _ = at(10 ** decade, 1)
        parts += [line(at_x, y, at_x, y + PANEL_H), text(at_x, y + PANEL_H + 17, power(decade), 11, "middle", GREY)]
    for i, (name, points) in enumerate(lines):
        colour = COLOURS[i % len(COLOURS)]
        spots = [at(size, cost) for size, cost in points]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in spots)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>' for px, py in spots]
        legend_y = y + PANEL_H + 36 + 16 * i
        parts += [line(x, legend_y - 4, x + 18, legend_y - 4, colour, 2),
                  text(x + 25, legend_y, f"{name}  {points[0][1]:,} to {points[-1][1]:,}", 12)]
    return parts


def size_plot(panels):
    """panels = [(title, [(name, [(size, cost)])])]"""
    costs = [cost for _, lines in panels for _, points in lines for _, cost in points]
    low, high = math.floor(math.log10(max(min(costs), 1))), math.ceil(math.log10(max(costs)))
    high = max(high, low + 1)
    n_rows = -(-len(panels) // COLUMNS)
    width = LEFT + COLUMNS * PANEL_W + (COLUMNS - 1) * GAP_X + 24
    height = TOP + n_rows * PANEL_H + n_rows * GAP_Y
    parts = [text(LEFT, 26, "Guest instructions for one operation, against how many there are already", 16,
                  weight="bold"),
             text(LEFT, 46, "both scales logarithmic; a level line: the number makes no difference", 12, colour=GREY)]
    for i, (title, lines) in enumerate(panels):
        x = LEFT + (i % COLUMNS) * (PANEL_W + GAP_X)
        y = TOP + 14 + (i // COLUMNS) * (PANEL_H + GAP_Y)
        parts += panel(x, y, title, lines, low, high)
    return document(width, height + 10, parts)


# --- the bench table -----------------------------------------------------------------------------

ROW_H, NAME_W, PLOT_W, FIGURE_W = 21, 232, 520, 150


def goal_plot(rows):
    """rows = [(name, ours, goal or None, linux or None)]"""
    known = [n for row in rows for n in row[1:] if n]
    low, high = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)))
    left, top = NAME_W + 16, 84
    height = top + ROW_H * len(rows) + 40

    def at(cost):
        return left + PLOT_W * (math.log10(max(cost, 1)) - low) / (high - low)

    parts = [text(16, 26, "Guest instructions: EuraliOS, its goal, and Linux 6.1 on the same emulator", 16,
                  weight="bold")]
    for i, (name, mark) in enumerate((("EuraliOS, goal reached", "done"), ("EuraliOS, goal missed", "missed"),
                                      ("goal", "goal"), ("Linux", "linux"))):
        x = 22 + 190 * i
        parts += [spot(x, 48, mark), text(x + 12, 52, name, 12)]
    for decade in range(low, high + 1):
        x = at(10 ** decade)
        parts += [line(x, top - 10, x, height - 36), text(x, height - 18, power(decade), 11, "middle", GREY)]
    for i, (name, ours, goal, linux) in enumerate(rows):
        y = top + ROW_H * i + ROW_H / 2
        parts.append(text(left - 12, y + 4, name, 12, "end"))
        ends = [at(n) for n in (ours, goal, linux) if n]
        parts.append(line(min(ends), y, max(ends), y, "#bdbdbd", 1))
        parts += [spot(at(linux), y, "linux")] if linux else []
        parts += [spot(at(goal), y, "goal")] if goal else []
        parts.append(spot(at(ours), y, "missed" if goal and ours > goal else "done"))
        figure = f"{ours:,}" + (f" of {goal:,}" if goal else "")
        missed = goal and ours > goal
        parts.append(text(left + PLOT_W + 16, y + 4, figure, 12, colour=COLOURS[1] if missed else INK))
    return document(left + PLOT_W + FIGURE_W, height, parts)


def spot(x, y, mark):
    if mark == "goal":
        return line(x, y - 7, x, y + 7, INK, 2)
    if mark == "linux":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#ffffff" stroke="{GREY}" stroke-width="1.5"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{COLOURS[0] if mark == "done" else COLOURS[1]}"/>'
