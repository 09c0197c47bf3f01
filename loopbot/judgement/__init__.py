"""The four judgements: which change caused it, which tickets are the same, what feedback says, which item it is about.

Scoring runs in the daemon, on frozen models, with the standard library or numpy. What needs scikit-learn (training,
evaluating) lives in `evaluation` and is never imported by the daemon.
"""
