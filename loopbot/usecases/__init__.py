"""One function for each thing loopbot does; each takes a Loop, none knows a library."""
