"""PostgreSQL as far as the hub uses it, in memory: SQLAlchemy's statements compiled to Python, row locks, READ COMMITTED."""
