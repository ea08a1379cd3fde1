"""What people do, one function each: the command line, the pages and the JSON API all call these."""
