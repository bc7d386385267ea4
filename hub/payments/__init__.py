"""The buyer's money: authorize, capture once, void, refund."""
