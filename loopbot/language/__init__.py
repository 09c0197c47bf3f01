"""The rule language: TOML files in, checked domain rules out, and everything that is wrong with them in plain words."""
