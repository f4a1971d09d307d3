"""The rules of the house that a machine can check: who may import whom, and what the repository must not say."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("portal", "jobs", "routeros")
#: Where everything comes together; these may import anything.
COMPOSITION = ("portal/app.py", "portal/cli", "portal/house.py", "portal/demo/")


def sources() -> list[Path]:
    return [
        path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts[-2]
    ]


def imports(path: Path) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.lineno, node.module or ""))
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def forbidden(name: str, module: str) -> str | None:
    """Why the file `name` may not import `module`; None when it may."""
    top = module.split(".")[0]
    if name.startswith("routeros/"):
        if top in ("portal", "jobs", "litestar", "piccolo", "httpx", "pgqueuer"):
            return "routeros knows nothing of the portal"
        if top == "librouteros" and not name.startswith("routeros/client"):
            return "only the client speaks librouteros"
        return None
    if top == "librouteros":
        return "only routeros speaks librouteros"
    if name.startswith(COMPOSITION):
        return None
    if module.startswith(("portal.demo", "routeros.simulator")):
        return "simulators and the demo are not loaded in service"
    if module.startswith("portal.mpesa.simulator") and not name.startswith("portal/mpesa/simulator/"):
        return "simulators are not loaded in service"
    if name.startswith("portal/controllers/"):
        if top == "piccolo" or module.startswith(("portal.tables", "portal.db")):
            return "controllers call nouns, never tables"
        return None
    if name.startswith("jobs/"):
        return "jobs never import controllers" if module.startswith(("portal.controllers", "litestar")) else None
    if name.startswith("portal/tables/"):
        allowed = ("piccolo", "typing", "portal.db", "portal.tables", "enum")
        return (
            None
            if module.startswith(allowed) or (top == "portal" and module == "portal")
            else "tables know only Piccolo and each other"
        )
    if top == "jobs":
        return "the portal's nouns know no jobs"
    return None


def test_nobody_imports_what_the_house_forbids() -> None:
    broken = [
        f"{path.relative_to(ROOT)}:{line} imports {module}: {why}"
        for path in sources()
        for line, module in imports(path)
        if (why := forbidden(path.relative_to(ROOT).as_posix(), module))
    ]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("routeros/reconcile.py", "portal.db"),
        ("portal/vouchers.py", "librouteros"),
        ("portal/controllers/captive.py", "portal.tables"),
        ("jobs/routers.py", "portal.controllers.captive"),
        ("portal/checkouts.py", "portal.mpesa.simulator"),
        ("portal/routers.py", "routeros.simulator.router"),
    ],
)
def test_the_rules_would_notice(name: str, module: str) -> None:
    assert forbidden(name, module)


def test_nouns_know_no_web_framework() -> None:
    web = ("controllers", "demo", "simulator", "templates")
    at_the_edge = {
        "app",
        "web",
        "headers",
        "error_pages",
        "assets",
        "guards",
        "house",
        "cli",
        "i18n",
        "serving",
        "captive_visits",
        "cookies",
    }
    broken = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / "portal").rglob("*.py"))
        if not set(path.parts) & set(web) and path.stem not in at_the_edge
        for line, module in imports(path)
        if module.split(".")[0] in ("litestar", "jinja2")
    ]
    assert not broken, "\n".join(broken)


def test_no_import_hides_in_a_function() -> None:
    hidden: list[str] = []
    for path in sources():
        lines = path.read_text().splitlines()
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                hidden += [
                    f"{path.relative_to(ROOT)}:{node.lineno}"
                    for node in ast.walk(function)
                    if isinstance(node, ast.Import | ast.ImportFrom) and "PLC0415" not in lines[node.lineno - 1]
                ]
    assert not hidden, "\n".join(hidden)


def test_files_and_functions_stay_short() -> None:
    long: list[str] = []
    for path in sources():
        text = path.read_text()
        if text.count("\n") > 300:
            long.append(f"{path.relative_to(ROOT)} has {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno > 45:
                long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name} is too long")
    assert not long, "\n".join(long)


_ABSENT = re.compile(
    "|".join([r"/wor" + r"k/", r"bash_" + "jobs", "sub" + "agent", "index-" + r"url", r"files\.python" + "hosted"]),
    re.I,
)


def test_the_repository_names_no_workplace_and_no_registry() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    found = [
        f"{name}:{number} {line.strip()[:80]}"
        for name in listed.stdout.splitlines()
        if (path := ROOT / name).is_file()
        and path.suffix not in (".mo", ".png", ".woff2")
        and path.stat().st_size < 400_000
        for number, line in enumerate(path.read_text(errors="ignore").splitlines(), 1)
        if _ABSENT.search(line)
    ]
    assert not found, "\n".join(found)
