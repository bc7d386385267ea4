"""`hub dlq`: triage of dead letters from the terminal; it speaks HTTP to a running hub, as an operator."""
