"""The spoke of a vendor without any system."""
