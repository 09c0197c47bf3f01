"""The ServiceNow twin: Table, Batch, Aggregate and Change APIs over a small instance in memory, and the replay of a log."""
