"""Loopback twins of the systems loopbot talks to: real HTTP, the vendors' awkward behaviours, a ledger of every write."""
