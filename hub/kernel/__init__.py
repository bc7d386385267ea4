"""The pure ground: money, ids, clock, errors, state machines, sagas. No I/O, no clock of its own, no randomness."""
