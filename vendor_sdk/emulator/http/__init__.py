"""The emulated hub over HTTP, on loopback: the vendor API in the hub's shapes, and the controls of the emulator."""
