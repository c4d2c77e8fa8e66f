"""The program of the package's README runs."""

import re
from pathlib import Path


def test_the_readmes_program_runs():
    text = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    program, script = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict = {}
    exec(program, names)
    exec(script, dict(names))
    assert len(names["adact"].torch.choices(names["model"])) == 2 and names["plain"] is not names["model"]
