"""Vendors' systems over HTTP: where a call may go, how long an answer may be, and what a refusal means in the SDK's words."""
