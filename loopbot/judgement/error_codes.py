"""Error codes in a line of a ticket: what a product calls its own trouble tells more than any word, in whatever language it is told.

Most numbers in tickets are keys, addresses, times and counts. So a code is what says so itself: `error 1205`, a status of Windows
(`0x80070005`) that is no address, a number of a product that is known for it (`ORA-942`), or one with a leading zero (`SVC-00417`),
which no tracker gives its tickets. Every pattern takes linear time.
"""

import re
from collections.abc import Iterator

_PRODUCTS = ("aadsts", "bea", "kup", "ora", "pls", "rman", "tns")
_DIGITS = 5
"""So many at least has a product's number; some write ORA-942 for ORA-00942."""
_STATUS = re.compile(r"(?<!\w)0x((?:[8c][0-9a-f]|e0|00(?=00(?!0000)))[0-9a-f]{6})(?!\w)", re.IGNORECASE)
_HEXADECIMAL = re.compile(r"(?<!\w)0x[0-9a-f]{4,16}(?!\w)", re.IGNORECASE)
_DUMP = 3
"""So many hexadecimal numbers in one line are of a memory or of registers."""
_ADDRESS = re.compile(
    r"(?:\b(?:at|address|addr|location|offset|pointer|ptr|memory|instruction|handle|module|monitor|object|[nt]id|adresse|[er]?[isb]p|[er][abcd]x|[er][sd]i|pc)|[+@!<])[\s:=(]{0,3}$",
    re.IGNORECASE,
)
_TOLD_AS_ERROR = re.compile(
    r"\b(?:error|code|stop|status|hresult|ntstatus|exception|result|bugcheck|fehler)[\s:=(]{0,3}$", re.IGNORECASE
)
_NUMBERED = re.compile(
    r"(?<![\w-])(?:"
    rf"({'|'.join(name.upper() for name in _PRODUCTS)})-?(\d{{3,8}})"
    r"|([A-Z]{2,5})-(0\d{3,5})"
    r"|(KB)([1-9]\d{5,6})"  # an article of ServiceNow begins with a zero
    r")(?![\w-]|\.\d)"
)
_ERROR = re.compile(
    r"(?<!\w)(?:(?:error|err|fehler|erreur|errore|erro|fout|błąd|ошибка)(?:[ _-]?(?:code|number|no\.?|nr\.?|id))?"
    r"|(?:exit|return|failure|reason|stop)[ _-]?code|errno|errorcode|fehlercode|fehlernummer|foutcode|sqlcode)"
    r"(?:\s{0,2}[:#=]\s{0,2}|\s{1,2}[(\[]?|)-?(\d{2,10})"  # not error(115), the line of a logger
    r"(?![\w%]|[-.,:/]\d|\s?%|\s(?:of|times?|rows?|records?|files?|items?|users?|ms|seconds?|minutes?|hours?|days?)\b)",
    re.IGNORECASE,
)
_TERM = re.compile(rf"0x[0-9a-f]{{8}}|error\d{{2,10}}|(?:{'|'.join(_PRODUCTS)})\d{{{_DIGITS},8}}")
STARTS = ("0x", "error", *_PRODUCTS)
"""How the term of an error begins: told more quickly than whether it is one."""


def error_codes(line: str) -> Iterator[tuple[str, str]]:
    """The codes in a line: the term for each, and how a person would write it."""
    for found in _STATUS.finditer(line) if "0x" in line or "0X" in line else ():
        if _is_status(line, found.start()):
            yield found[0].lower(), found[0]
    for found in _NUMBERED.finditer(line):
        name, number = (part for part in found.groups() if part)
        yield f"{name.lower()}{number.zfill(_DIGITS)}", found[0]
    for found in _ERROR.finditer(line):
        yield f"error{found[1]}", f"error {found[1]}"


def is_error(term: str) -> bool:
    """Whether a term stands for the code of an error."""
    return term.startswith(STARTS) and _TERM.fullmatch(term) is not None


def _is_status(line: str, start: int) -> bool:
    before = line[max(0, start - 24) : start]
    if _ADDRESS.search(before):
        return False
    return len(_HEXADECIMAL.findall(line)) < _DUMP or _TOLD_AS_ERROR.search(before) is not None
