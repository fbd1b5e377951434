"""Lock file, conda environment and pyproject.toml say the same."""

import importlib.util
import re

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

spec = importlib.util.spec_from_file_location("lock", ROOT / "envs" / "lock.py")
lock = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lock)

LOCKS = ["lock.txt", "lock-dev.txt", "lock-gpu.txt"]


def test_the_lock_satisfies_pyproject():
    import tomllib

    pins = lock.pins(ROOT / "envs" / "lock.txt")
    for wanted in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]:
        requirement = Requirement(wanted)
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), wanted


def test_the_conda_environment_has_the_locks_versions():
    assert (ROOT / "envs" / "pellucid.yaml").read_text() == lock.conda()
    environment = yaml.safe_load(lock.conda())
    (packages,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert len(packages) == len(lock.direct(ROOT / "pyproject.toml"))


def test_every_pin_is_exact_and_hashed_and_no_index_is_named():
    for name in LOCKS:
        text = (ROOT / "envs" / name).read_text()
        assert "://" not in text
        assert "--index" not in text
        assert "--find-links" not in text
        blocks = re.split(r"\n(?=[a-zA-Z])", text.strip())
        assert len(blocks) > 20
        for block in blocks:
            assert re.match(r"[a-zA-Z0-9._-]+==[^\s;]+ ", block), block[:60]
            assert "--hash=sha256:" in block, block[:60]


def test_the_lock_holds_for_linux_and_macos_on_every_python_version():
    from packaging.markers import Marker

    text = (ROOT / "envs" / "lock.txt").read_text()
    lines = re.findall(r"^([a-z0-9._-]+)==\S+ ?(?:; (.*?))? \\$", text, re.MULTILINE)
    needed = {canonicalize_name(name) for name in lock.direct(ROOT / "pyproject.toml")}
    for platform in ("linux", "darwin"):
        for version in ("3.11", "3.12", "3.13"):
            here = {
                "sys_platform": platform,
                "python_full_version": f"{version}.5",
                "python_version": version,
                "platform_machine": "arm64" if platform == "darwin" else "x86_64",
                "platform_python_implementation": "CPython",
                "implementation_name": "cpython",
            }
            found = [canonicalize_name(name) for name, marker in lines if not marker or Marker(marker).evaluate(here)]
            assert needed <= set(found), (platform, version)
            assert len(found) == len(set(found)), (platform, version)


def test_development_tools_use_the_versions_that_users_run():
    users, ours = (lock.pins(ROOT / "envs" / name) for name in LOCKS[:2])
    differing = {name for name in users.keys() & ours.keys() if users[name] != ours[name]}
    assert not differing
