"""Proofs that no vendor reads or moves what is another's."""
