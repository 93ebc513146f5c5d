"""How engagement's ports are met: SQLAlchemy Core upon PostgreSQL."""
