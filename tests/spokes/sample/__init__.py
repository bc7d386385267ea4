"""The people at the sample vendors."""
