"""The books: append-only transactions of postings, each a movement from one account to another.

A posting names source, destination and a positive amount, so nothing in the books can be unbalanced. A positive
balance says whose the money is; ``clearing`` is where it lies, so its balance is minus what the provider holds for us.
"""
