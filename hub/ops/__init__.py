"""What operators need: dead letters, the laws that must always hold; and the books as vendors see them."""
