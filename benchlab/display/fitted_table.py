"""A table that fits its terminal without cutting a number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, NewLine, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from benchlab.text import printable

__all__ = ["Column", "FittedTable"]

_GAP = 1
_WIDE_GAP = 2  # where there is room
_LONG_WORD = 24  # a longer one may be folded
_LONG_NAME = 10  # a longer name of a column may be folded
_SHORTENED = 12  # the width to which a text is shortened at most


@dataclass(frozen=True, slots=True)
class Column:
    """A named column.

    Its cells are folded between words or, with ``fold_at``, preferably after that text. Those that
    are ``whole`` are never folded, nor are numbers, which are aligned to the right; a ``one_line``
    text is shortened instead.
    """

    name: str
    cells: Sequence[Text]
    is_number: bool = False
    whole: bool = False
    one_line: bool = False
    fold_at: str = ""

    @property
    def full_width(self) -> int:
        """The width at which nothing is folded."""
        return max(cell_len(self.name), self._cell_width)

    @property
    def least_width(self) -> int:
        """The width below which a number or a word would be cut."""
        name = min(cell_len(self.name), _LONG_NAME)
        if self.is_number or self.whole:
            return max(name, self._cell_width)
        if self.one_line:
            return max(name, min(self._cell_width, _SHORTENED))
        parts = (part for cell in self.cells for part in cell.plain.split(self.fold_at or None))
        longest = max((cell_len(part) for part in parts), default=0)
        return max(name, longest if self.fold_at else min(longest, _LONG_WORD))

    def printable(self) -> Column:
        """The column with a mark for what has no width, or another one than it seems."""
        cells = [cell.copy() for cell in self.cells]
        for cell in cells:
            cell.plain = printable(cell.plain).expandtabs()
        return replace(self, name=printable(self.name), cells=cells)

    def folded(self, width: int) -> Sequence[Text]:
        """The cells with new lines where ``fold_at`` has them."""
        if not self.fold_at or width >= self.full_width or width < self.least_width:
            return self.cells
        return [_folded(cell, self.fold_at, width) for cell in self.cells]

    @property
    def _cell_width(self) -> int:
        lines = (line for cell in self.cells for line in cell.plain.splitlines())
        return max(map(cell_len, lines), default=0)


@dataclass(frozen=True)
class FittedTable:
    """Rows under the names of their columns or, on a narrow terminal, in another form.

    The first of these forms that has room is used: text folded or shortened; without the columns
    ``left_out``, as few as possible in this order, and a line that names them; with ``turns``, rows
    as columns, unless their names are numbers; a line for each cell.
    """

    columns: Sequence[Column]
    indent: int = 0
    left_out: Sequence[str] = ()
    turns: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for part in self._parts(options.max_width - self.indent):
            is_blank = isinstance(part, NewLine)
            yield part if is_blank else Padding(part, (0, 0, 0, self.indent), expand=False)

    def _parts(self, width: int) -> Iterator[RenderableType]:
        shown = [column.printable() for column in self.columns]
        for columns, names in self._choices(shown):
            if _fits(columns, width):
                yield _table(columns, width)
                if names:
                    yield Text(f"not shown, for lack of width: {', '.join(names)}", style="dim")
                return
        first = next(iter(shown), None)
        turned = _turned(shown) if self.turns and first and not first.is_number else ()
        if turned and _fits(turned, width):
            yield _table(turned, width)
        else:
            yield from _records(shown, width)

    def _choices(self, shown: Sequence[Column]) -> Iterator[tuple[Sequence[Column], Sequence[str]]]:
        """The columns to show and the names of the others, from the best choice on."""
        known = {column.name for column in shown}
        names = [name for name in self.left_out if name in known]
        anywhere = [replace(column, fold_at="") for column in shown]
        for columns in (shown, anywhere):
            for count in range(len(names) + 1):
                gone = names[:count]
                yield [column for column in columns if column.name not in gone], gone


def _fits(columns: Sequence[Column], width: int) -> bool:
    return bool(columns) and _total([column.least_width for column in columns]) <= width


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _table(columns: Sequence[Column], width: int) -> Table:
    widths = _widths(columns, width)
    has_room = width - _total(widths) >= (_WIDE_GAP - _GAP) * (len(widths) - 1)
    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, _WIDE_GAP if has_room else _GAP, 0, 0),
        header_style="bold",
    )
    for column, its_width in zip(columns, widths, strict=True):
        table.add_column(
            Text(column.name),
            justify="right" if column.is_number else "left",
            width=its_width,
            overflow="ellipsis" if column.one_line else "fold",
            no_wrap=column.one_line,
        )
    cells = (column.folded(its_width) for column, its_width in zip(columns, widths, strict=True))
    for row in zip(*cells, strict=True):
        table.add_row(*row)
    return table


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    """The least widths, and what is left for the columns that need little more, then for others."""
    widths = [column.least_width for column in columns]
    left = width - _total(widths)
    needs = sorted(
        (column.full_width - least, index)
        for index, (column, least) in enumerate(zip(columns, widths, strict=True))
    )
    for need, index in needs:
        more = min(need, left)
        widths[index] += more
        left -= more
    return widths


def _folded(text: Text, at: str, width: int) -> Text:
    """``text`` in lines of ``width``, each as long as parts of it fit."""
    first, *parts = text.plain.split(at)
    lines = [first]
    for part in parts:
        if cell_len(longer := f"{lines[-1]}{at}{part}") <= width:
            lines[-1] = longer
        else:
            lines.append(part)
    return Text("\n".join(lines), style=text.style)


def _turned(columns: Sequence[Column]) -> list[Column]:
    """The columns of a table whose rows are ``columns``; the first one names the rows."""
    first, *others = columns
    return [
        Column(first.name, [Text(column.name) for column in others]),
        *(
            Column(name.plain, [column.cells[row] for column in others], is_number=True)
            for row, name in enumerate(first.cells)
        ),
    ]


def _records(columns: Sequence[Column], width: int) -> Iterator[RenderableType]:
    """A line for each cell, with a blank line between rows."""
    names = [Text(column.name, style="bold") for column in columns]
    name_width = Column("", names).full_width
    value_width = max(replace(column, name="").least_width for column in columns)
    for number, row in enumerate(zip(*(column.cells for column in columns), strict=True)):
        if number:
            yield NewLine()
        if _total((name_width, value_width)) <= width:
            grid = Table.grid(padding=(0, _GAP, 0, 0))
            grid.add_column(width=name_width)
            grid.add_column(overflow="fold")
            for name, value in zip(names, row, strict=True):
                grid.add_row(name, value)
            yield grid
            continue
        for name, value in zip(names, row, strict=True):
            yield name
            yield Padding(value, (0, 0, 0, 2), expand=False)
