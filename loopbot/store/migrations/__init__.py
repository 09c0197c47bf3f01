"""Alembic's environment; see ../upgrade.py, which runs it."""
