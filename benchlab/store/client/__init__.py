"""The connection to ClickHouse: DSN, client, lock of the embedded engine, errors."""
