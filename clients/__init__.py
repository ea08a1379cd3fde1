"""The far sides: Scoro, the Intacct gateway, mail."""
