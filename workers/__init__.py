"""What happens to a change: intake, translation, delivery, failures."""
