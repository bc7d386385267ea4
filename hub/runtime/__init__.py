"""Our plumbing on PostgreSQL, NATS and HTTP; it knows no business word."""
