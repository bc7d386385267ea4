"""The client that blocks; made of `vendor_sdk.client.aio`."""
