"""A hub for one vendor on that vendor's own machine: stateful, offline, with faults and a movable clock."""
