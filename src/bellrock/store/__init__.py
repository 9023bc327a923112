"""The one truth: tables, migrations, queries. SQLite (WAL) and PostgreSQL."""
