"""The daily proof that our books and the providers' are the same: what moved there, matched to the cent with what we posted."""
