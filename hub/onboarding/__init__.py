"""Onboarding: how a vendor comes to us, what it has to show for it, and who says yes; and how it leaves."""
