"""From a vendor's account at the provider to its bank: by schedule, on demand, failed and returned."""
