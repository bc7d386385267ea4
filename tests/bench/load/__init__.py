"""A load generator in a process of its own: keep-alive connections over ready-made request bytes, every answer checked."""
