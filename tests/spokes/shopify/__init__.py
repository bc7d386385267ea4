"""Tests of the Shopify adapter against a shop that runs its queries on Shopify's published schema."""
