import subprocess
import sys

from loopbot.language import tables
from tools.grammar import TABLES, made

MADE_ANEW = """
import sys
{before}
from loopbot.language.expressions import rule_engine
from rule_engine._vendor.ply import yacc
parser = rule_engine.Rule.parser._parser
print(parser.action is getattr(sys.modules["loopbot.language.tables"], "_lr_action"))
print(rule_engine.Rule("1 + 2 * 3 == 7").evaluate(None))
"""


def said(before: str = "") -> list[str]:
    """Whether a new process's parser has our tables, and whether it parses."""
    command = [sys.executable, "-c", MADE_ANEW.format(before=before)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()  # noqa: S603 - our own program


def test_the_tables_are_those_of_the_grammar_that_is_installed() -> None:
    assert TABLES.read_text(encoding="utf-8") == made(), "make them anew: python -m tools.grammar"


def test_a_process_uses_the_tables_instead_of_making_them() -> None:
    assert said() == ["True", "True"]


def test_tables_of_another_grammar_are_not_used() -> None:
    other = "import loopbot.language.tables as tables; tables._lr_signature += ' and more'"
    assert said(other) == ["False", "True"]
    other = "import loopbot.language.tables as tables; tables._tabversion = '1.0'"
    assert said(other) == ["False", "True"]


def test_what_lent_the_tables_leaves_no_module_behind() -> None:
    assert tables.__name__ == "loopbot.language.tables"
    assert "rule_engine.parser.parsetab" not in sys.modules
