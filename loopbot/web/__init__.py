"""What comes in over HTTP: webhooks, and questions about health."""
