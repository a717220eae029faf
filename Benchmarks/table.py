"""Prints figures for people."""


def heading(text):
    """A part's title."""
    print(f"\n{text}", flush=True)


def rows(titles, lines):
    """Columns as wide as they need: the first to the left, the others to the right."""
    cells = [titles] + [[cell(value) for value in line] for line in lines]
    widths = [max(len(line[column]) for line in cells) for column in range(len(titles))]
    for line in cells:
        first, *others = (
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths))
        )
        print("  " + "  ".join([first, *others]).rstrip())


def cell(value):
    """Two decimals for measured numbers; a dash for what there is not."""
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def verdict(name, value, bar, unit):
    """One line a bar; returns what the JSON line says about it."""
    is_met = value <= bar
    word = "ok" if is_met else "OVER"
    print(f"  {word:5}{name}: {value:.2f}{unit} (at most {bar:.2f}{unit})")
    return {"value": round(value, 3), "bar": bar, "met": is_met}


def note(text):
    """A remark below a table."""
    print(f"  {text}")
