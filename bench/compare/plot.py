"""Bar charts as plain SVG: one panel a row of the table, one bar a stack, the best on top."""
from html import escape

WIDTH, LABEL, BAR, GAP, HEAD = 860, 150, 18, 6, 34
COLUMNS = 2
OURS, OTHERS, INK, PALE = "#0b7a75", "#a9b4c2", "#1c2733", "#5b6875"


def panel(row, figures, titles, words, x, y, width):
    """The SVG of one row's bars, and its height."""
    own = sorted(((name, each[row.key]) for name, each in figures.items() if each.get(row.key)), key=lambda pair: pair[1], reverse=row.higher)
    better = "higher is better" if row.higher else "lower is better"
    out = [f'<text x="{x}" y="{y + 14}" class="title">{escape(row.title)}</text><text x="{x}" y="{y + 27}" class="note">{better}</text>']
    most = max((value for _, value in own), default=1)
    room = width - LABEL - 70
    for i, (name, value) in enumerate(own):
        at = y + HEAD + i * (BAR + GAP)
        length = max(1.0, room * value / most)
        fill = OURS if name == "linnet" else OTHERS
        out.append(
            f'<text x="{x + LABEL - 8}" y="{at + 13}" text-anchor="end">{escape(titles.get(name, name))}</text>'
            f'<rect x="{x + LABEL}" y="{at}" width="{length:.1f}" height="{BAR}" rx="2" fill="{fill}"/>'
            f'<text x="{x + LABEL + length + 6:.1f}" y="{at + 13}">{escape(words(value, row.decimals))}</text>'
        )
    return "".join(out), HEAD + len(own) * (BAR + GAP) + 18


def svg(rows, figures, titles, words, heading):
    """A picture with a panel for each of `rows`, or None if nobody has a figure for any."""
    rows = [row for row in rows if any(each.get(row.key) for each in figures.values())]
    if not rows:
        return None
    body, width = [], WIDTH // COLUMNS - 20
    y = 50
    for first in range(0, len(rows), COLUMNS):
        heights = []
        for column, row in enumerate(rows[first : first + COLUMNS]):
            drawn, height = panel(row, figures, titles, words, 20 + column * (width + 20), y, width)
            body.append(drawn)
            heights.append(height)
        y += max(heights)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img">'
        f"<title>{escape(heading)}</title>"
        f"<style>text{{font:12px system-ui,sans-serif;fill:{INK}}}.title{{font-weight:600;font-size:13px}}"
        f".note{{fill:{PALE};font-size:11px}}.head{{font-size:16px;font-weight:600}}</style>"
        f'<rect width="100%" height="100%" fill="#fff"/><text x="20" y="28" class="head">{escape(heading)}</text>'
        + "".join(body)
        + "</svg>\n"
    )
