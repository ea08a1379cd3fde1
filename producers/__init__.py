"""What brings changes in and rings the bells."""
