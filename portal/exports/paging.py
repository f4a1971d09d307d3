"""Lines of a file, read a page at a time by a key. Each page is a query of its own: nothing is held open between two, however long
the other side takes, and when it goes away no further one is asked."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from asyncpg import Record

from portal import spreadsheets

#: Rows of one query; some hundred kilobytes.
PAGE = 1000

Read = Callable[[int, int], Awaitable[Sequence[Record]]]
Cells = Callable[[Record], Sequence[object]]


async def lines(head: Sequence[str], read: Read, cells: Cells, *, size: int = PAGE) -> AsyncGenerator[str]:
    """The file, a page at a time. `read(after, most)` gives rows with an `id` above `after`, in its order."""
    yield spreadsheets.MARK + spreadsheets.row(head)
    after = 0
    while True:
        rows = await read(after, size)
        if rows:
            yield spreadsheets.table([cells(row) for row in rows])
        if len(rows) < size:
            return
        after = rows[-1]["id"]
