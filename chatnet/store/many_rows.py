"""Statements that write many rows at once.

Each execution of a statement hands the interpreter over to the loop's thread and takes it back, which costs more than
to write a row. A statement for each power of two up to `_MOST` writes any number of rows in few executions, all of
them prepared once and kept by the connection. The largest one has no more parameters than any SQLite takes (999).
"""

import sqlite3

_MOST = 64


class ManyRows:
    """``INSERT`` or ``REPLACE`` of one row with only parameters for values, made for many."""

    def __init__(self, statement: str) -> None:
        head, values = statement.split(" VALUES ")
        width = values.count("?")
        sizes = [1 << power for power in reversed(range(_MOST.bit_length()))]
        self._statements = [(size * width, f"{head} VALUES {', '.join([values] * size)}") for size in sizes]

    def write(self, database: sqlite3.Connection, values: list[object]) -> None:
        """Write rows in their order; ``values`` are those of the first row, then those of the second, and so on.

        :raises sqlite3.Error: some of the rows may be written; the transaction must be rolled back.
        """
        at = 0
        for size, statement in self._statements:
            while len(values) - at >= size:
                database.execute(statement, values[at : at + size])
                at += size
