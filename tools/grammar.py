"""Makes loopbot/language/tables.py anew, after rule-engine's grammar changed: `python -m tools.grammar`."""

import tempfile
from importlib.metadata import files
from pathlib import Path

from rule_engine._vendor.ply import yacc
from rule_engine.parser import Parser

TABLES = Path(__file__).parents[1] / "loopbot" / "language" / "tables.py"
HEAD = '''"""The tables of rule-engine's parser, made by tools/grammar.py. Its grammar is under this license:

{license}"""

# mypy: ignore-errors
'''


def made() -> str:
    """The text of the module, from the grammar of the rule-engine that is installed."""
    with tempfile.TemporaryDirectory() as folder:
        yacc.yacc(module=Parser.__new__(Parser), debug=False, tabmodule="made", outputdir=folder)
        (written,) = Path(folder).glob("*.py")
        tables = written.read_text(encoding="utf-8").partition("_tabversion")
    (terms,) = [one for one in files("rule-engine") or () if one.match("licenses/LICENSE")]
    return HEAD.format(license=terms.read_text(encoding="utf-8").strip()) + "\n" + "".join(tables[1:])


def main() -> None:
    """Write it."""
    TABLES.write_text(made(), encoding="utf-8")


if __name__ == "__main__":
    main()
