"""What we bought and do not own: one package per provider, each behind the port of the slice that asks for it."""
