"""Whether an adapter keeps what the SDK promises the hub: rules in levels, run against the vendor's own system, and a report."""
