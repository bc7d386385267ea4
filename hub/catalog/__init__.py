"""The catalog: products, their variants, and each vendor's offers of them."""
