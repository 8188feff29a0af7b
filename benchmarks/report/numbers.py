"""How numbers are written in a report: without the zero before the point."""


def short(number: float, decimals: int) -> str:
    """A number such as .912 or 1.00."""
    return f"{number:.{decimals}f}".replace("0.", ".", 1)


def signed(number: float, decimals: int) -> str:
    """A difference with its sign, and none for what rounds to nothing."""
    rounded = round(number, decimals) + 0.0
    sign = "" if not rounded else "+" if rounded > 0 else "\N{MINUS SIGN}"
    return sign + short(abs(rounded), decimals)
