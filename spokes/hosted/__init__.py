"""The spoke of a vendor without any system: its stock is kept by the hub, its work is done through the vendor API."""
