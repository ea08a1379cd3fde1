"""What the rows of a look-up say of an operation in doubt: contents compared, deciders that make verdicts of them."""
