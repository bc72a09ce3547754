"""Numbers of tables that know how they are shown: percentages with the digits of their interval, p-values."""

from collections import Counter
from collections.abc import Iterable, Mapping

from jaxalign.report.names import digits


class PValue(float):
    """A p-value in a table; `floor` is the smallest that its number of draws can give."""

    floor: float

    def __new__(cls, value: float, floor: float = 0.001) -> "PValue":
        """A p-value from 999 draws unless `floor` says otherwise."""
        made = super().__new__(cls, value)
        made.floor = floor
        return made

    @property
    def text(self) -> str:
        """Three decimals, and `<= .001` at the floor."""
        return f"<= {self.floor:.3f}".replace("0.", ".") if self <= self.floor + 1e-9 else f"{self:.3f}"


class Percent(float):
    """A percentage with its interval (None without one), shown with the digits that the interval supports."""

    low: float | None
    high: float | None
    with_interval: bool  # whether the table shows the interval behind the value
    places: int | None = None  # decimals that all cells of a table share

    @property
    def digits(self) -> int:
        """Decimals; two where nothing says how sure the value is."""
        if self.places is not None:
            return self.places
        return 2 if self.low is None or self.high is None else digits((self.high - self.low) / 100)

    @property
    def text(self) -> str:
        """The value alone."""
        return f"{self:.{self.digits}f}"

    @property
    def interval(self) -> str:
        """`(41-48)` where the table shows it and there is one, else nothing."""
        if not self.with_interval or self.low is None or self.high is None:
            return ""
        low, high = f"{self.low:.{self.digits}f}", f"{self.high:.{self.digits}f}"
        return f"({low} to {high})" if self.low < 0 else f"({low}-{high})"


def percent(value: float, like: Percent | None = None) -> Percent:
    """A percentage that is no fraction of a row, such as a difference of two; `like` gives it its digits."""
    made = Percent(round(value, 2))
    made.low, made.high, made.with_interval = (like.low, like.high, False) if like else (None, None, False)
    return made


def measured(row: Mapping, with_interval: bool = False) -> Percent:
    """The value of a row in percent with its interval."""
    made = percent(100 * row["value"])
    low, high = row.get("low"), row.get("high")
    if low is not None and high is not None and low < high:
        made.low, made.high = 100 * low, 100 * high
    made.with_interval = with_interval
    return made


def measured_or_none(row: Mapping | None, with_interval: bool = False) -> Percent | None:
    """As `measured`; None without a row."""
    return None if row is None else measured(row, with_interval)


def with_common_digits(cells: Iterable[Percent | None]) -> None:
    """Gives the cells of one table the decimals that most of them have."""
    known = [cell for cell in cells if cell is not None]
    common = Counter(cell.digits for cell in known).most_common(1)
    for cell in known:
        cell.places = common[0][0]


def ends(value: Percent) -> list[Percent | None]:
    """Both ends of the interval of a value, for columns of their own."""
    return [None if end is None else percent(end, value) for end in (value.low, value.high)]
