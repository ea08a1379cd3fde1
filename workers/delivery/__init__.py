"""From a ready operation to a settled one."""
