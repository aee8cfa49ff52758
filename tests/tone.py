"""The form of every line that a failed command leaves: tests that run commands hold them to it."""

import re

LONGEST = 340
"""Characters of a whole line: two digests of 64, a path and a sentence."""

UNWANTED = {
    "a traceback": r"Traceback|File \"|line \d+, in ",
    "a repr of Python": r"<(?:class|function|module|built-in|bound method)|0x[0-9a-f]{8,}",
    "a name of Python": (
        r"\b(?:NoneType|[A-Z]\w*(?:Error|Exception|Warning)|ndarray|dtype\(|"
        r"(?:Posix|Windows)?Path\(|np\.|numpy\.\w+\()"
    ),
    "an exclamation mark": r"!(?!=)(?:$|\s)",
    "a plea": r"\b(?:[Pp]lease|[Ss]orry|[Oo]ops)\b",
    "a full stop at the end": r"(?<!\.\.)\.$",
    "two spaces": r"\S  +\S",
}
"""What no message says, and how it looks."""

QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def faults_of(text):
    """Return what is wrong with what a command wrote to stderr when it failed."""
    found = []
    if not re.fullmatch(r"svmtrain: [^\n]+\n", text):
        return ["it is not one line of svmtrain"]
    line = text.rstrip("\n")
    if not re.match(r"svmtrain: (?:error: |SIG[A-Z0-9]+: |interrupted)\S*", line):
        found.append("it does not begin with svmtrain: error:")
    if len(re.sub(r"\S{100,}", "a long name", line)) > LONGEST:
        found.append(f"it has {len(line)} characters")
    if not line.isprintable():
        found.append("it holds what a terminal obeys")
    own = QUOTED.sub("''", line)  # what a file holds stands between quotes, and is not ours
    found += [what for what, pattern in UNWANTED.items() if re.search(pattern, own)]
    return found
