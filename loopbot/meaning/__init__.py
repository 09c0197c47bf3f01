"""A small sentence model that runs on numpy alone: all-MiniLM-L6-v2, whose weights an installed package carries.

An extra: nothing here is imported unless the configuration asks for it (`[meaning] use = true`). It is the only place that
knows numpy. Nothing is ever fetched at run time, and of the package that carries the weights no code is run.
"""
