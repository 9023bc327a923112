"""One database, SQLite or PostgreSQL: connections, transactions, migrations."""


class Database:
    """Open with `open_database`."""

    async def close(self) -> None:
        """Close every connection."""


async def open_database(url: str) -> Database:
    """Connect and migrate to the newest schema.

    ``url``: `sqlite:////absolute/path.sqlite` or `postgresql://user@host/name`.
    """
    return Database()
