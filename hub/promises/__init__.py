"""What vendors have promised (when they accept, ship and deliver), how they keep it, and what becomes of those who do not."""
