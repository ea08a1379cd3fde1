"""What the product is measured by, as commands."""
