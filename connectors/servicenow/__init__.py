"""ServiceNow: incidents, problems, changes and feedback are read; tickets, comments, states and references are written."""
