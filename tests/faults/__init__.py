"""Real processes under seeded faults: whatever is killed, cut, stopped, lost or repeated, every order ends right."""
