"""The rules themselves, one module per level; what a level demands is read here."""
