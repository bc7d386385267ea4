"""Tests of the WooCommerce adapter against a shop that speaks its REST API."""
