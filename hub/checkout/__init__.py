"""The order's journey as a saga: which steps follow which, what an answer sets in motion, and the way back."""
