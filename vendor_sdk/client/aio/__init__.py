"""The client that awaits; `vendor_sdk.client.sync` is made of this text."""
