"""What operators need: dead letters, the books, the laws that must always hold."""
