"""Tests of the conformance kit: it passes what is right, and fails what is wrong by exactly the rule that is broken."""
