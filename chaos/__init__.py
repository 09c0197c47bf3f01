"""Chaos: seeded runs of whole loops in which everything goes wrong, judged by what the servers' ledgers hold."""
