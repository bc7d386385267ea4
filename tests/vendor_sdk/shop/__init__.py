"""A vendor's own system to write adapters against: small, stateful, with HTTP in front, and one adapter that is right."""
