"""What loopbot costs: time, calls and memory, measured and held against its goals."""
