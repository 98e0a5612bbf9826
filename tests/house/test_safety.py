"""No line of the package runs code that came with data, or hands text to a shell."""

from __future__ import annotations

import ast

FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
FORBIDDEN_CALLS = {"eval", "exec", "os.system", "os.popen", "pandas.read_pickle", "pd.read_pickle"}


def test_nothing_is_unpickled_or_evaluated(sources: dict[str, ast.Module]) -> None:
    wrong = []
    for name, tree in sources.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                wrong += [f"{name}:{node.lineno}" for alias in node.names if alias.name in FORBIDDEN_MODULES]
            elif isinstance(node, ast.ImportFrom) and node.module in FORBIDDEN_MODULES:
                wrong.append(f"{name}:{node.lineno}")
            elif isinstance(node, ast.Call):
                wrong += [f"{name}:{node.lineno} {complaint}" for complaint in _complaints(node)]
    assert not wrong


def _complaints(call: ast.Call) -> list[str]:
    """What is unsafe about one call."""
    called = ast.unparse(call.func)
    given = {each.arg: ast.unparse(each.value) for each in call.keywords if each.arg}
    found = [called] if called in FORBIDDEN_CALLS else []
    found += [f"{key}=True" for key in ("trust_remote_code", "shell", "allow_pickle") if given.get(key) == "True"]
    if called == "torch.load" and given.get("weights_only") != "True":
        found.append("torch.load without weights_only=True")
    return found
