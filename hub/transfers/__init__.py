"""A vendor's share: held until the hold ends, netted, kept in reserve, transferred to the connected account."""
