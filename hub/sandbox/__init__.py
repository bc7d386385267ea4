"""A simulated Stripe: a stateful server that the real `stripe` client of any language talks to. No money moves here."""
