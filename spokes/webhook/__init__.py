"""Any vendor that can serve four HTTP endpoints, signed both ways by Standard Webhooks."""
