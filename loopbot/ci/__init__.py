"""What the connectors of build systems share: which commits a deployment brought, and which issues these speak of."""
