"""The tables and views: ordered migrations, for one server or a cluster."""
