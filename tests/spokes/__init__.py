"""The spokes as their vendors run them."""
