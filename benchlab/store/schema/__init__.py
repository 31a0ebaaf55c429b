"""The tables: migrations, in order, on one server or on a cluster."""
