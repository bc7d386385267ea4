"""What vendors are asked and what they answer: reserve, route, ship, track."""
