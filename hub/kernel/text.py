"""Text from outside, and the one trap in matching it."""

END = r"$(?!\n)"
"""The end of the text in a pattern, for Python as for ECMA 262 (JSON Schema): ``$`` alone lets a final newline pass."""
