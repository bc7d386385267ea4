"""The reference spoke: a vendor's system of its own, every capability, every failure on demand."""
