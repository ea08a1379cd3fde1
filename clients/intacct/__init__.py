"""The Intacct XML gateway."""
