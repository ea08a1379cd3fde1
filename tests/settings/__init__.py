"""For every setting of a connection: what two values of it show on the wire, read from what both far sides got."""
