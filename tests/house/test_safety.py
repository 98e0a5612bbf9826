"""No line of the package runs code that came with data, or hands text to a shell."""

from __future__ import annotations

import ast

FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
# What is fetched is fetched by transformers, when a model of the hub is named.
NETWORK = {"urllib.request", "requests", "httpx", "aiohttp", "http.client", "ftplib", "socket", "huggingface_hub"}
ARCHIVES = {"tarfile", "zipfile", "shutil.unpack_archive"}  # members of an archive can lead out of its folder
FORBIDDEN_MODULES |= NETWORK | ARCHIVES
FORBIDDEN_CALLS = {"eval", "exec", "os.system", "os.popen", "pandas.read_pickle", "pd.read_pickle"}


def test_nothing_is_unpickled_or_evaluated(sources: dict[str, ast.Module]) -> None:
    wrong = []
    for name, tree in sources.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                wrong += [f"{name}:{node.lineno}" for alias in node.names if alias.name in FORBIDDEN_MODULES]
            elif isinstance(node, ast.ImportFrom) and _foreign(node) & FORBIDDEN_MODULES:
                wrong.append(f"{name}:{node.lineno}")
            elif isinstance(node, ast.Call):
                wrong += [f"{name}:{node.lineno} {complaint}" for complaint in _complaints(node)]
    assert not wrong


def test_weights_are_safetensors_and_no_code_comes_with_them(sources: dict[str, ast.Module]) -> None:
    calls = [node for node in ast.walk(sources["sceneviz.models.loading"]) if isinstance(node, ast.Call)]
    opened = [call for call in calls if ast.unparse(call.func).startswith("Auto")]
    assert len(opened) == 2
    for call in opened:
        assert {each.arg: ast.unparse(each.value) for each in call.keywords}["trust_remote_code"] == "False"
    text = ast.unparse(sources["sceneviz.models.loading"])
    assert "'use_safetensors': True" in text
    assert "'trust_remote_code': False" in text


def _foreign(node: ast.ImportFrom) -> set[str]:
    """The modules that a `from` import may bring: itself, and what it names."""
    return {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}


def _complaints(call: ast.Call) -> list[str]:
    """What is unsafe about one call."""
    called = ast.unparse(call.func)
    given = {each.arg: ast.unparse(each.value) for each in call.keywords if each.arg}
    found = [called] if called in FORBIDDEN_CALLS else []
    found += [f"{key}=True" for key in ("trust_remote_code", "shell", "allow_pickle") if given.get(key) == "True"]
    if called == "torch.load" and given.get("weights_only") != "True":
        found.append("torch.load without weights_only=True")
    return found
