"""What is shipped: the wheel, the image, the compose file, the systemd unit, the Kubernetes example."""

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from carriers.sdk.registry import known_carriers
from tracker.config import load, plan_accounts
from tracker.daemon import DRAIN
from tracker.web.security import OPEN_PATHS

ROOT = Path(__file__).parents[2]
SOURCES = ("carriers", "tracker")
NEEDED = (*SOURCES, "pyproject.toml", "README.md", "LICENSE")


def sources() -> set[str]:
    """Every file of the two packages, as it lies in the checkout."""
    found = (path for name in SOURCES for path in (ROOT / name).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in found if "__pycache__" not in path.parts}


# the wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy, so that nothing is left in the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "source"
    copy.mkdir()
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy)
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *offline, "-w", str(folder), str(copy)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (made,) = folder.glob("*.whl")
    return zipfile.ZipFile(made)


@pytest.fixture(scope="module")
def installed(wheel: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content alone; what it needs is beside it, in this environment."""
    folder = tmp_path_factory.mktemp("installed")
    wheel.extractall(folder)
    return folder


def tracker(installed: Path, folder: Path, *arguments: str) -> str:
    """What the installed command says, run in a folder."""
    done = subprocess.run(
        [sys.executable, "-c", "from tracker.cli import main; main()", *arguments],
        env={**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if not name.split("/")[0].endswith(".dist-info")}

    assert packed == sources()


def test_the_wheel_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    about = {name.rpartition("/")[2]: wheel.read(name).decode() for name in wheel.namelist() if ".dist-info/" in name}

    assert "tracker = tracker.cli:main" in about["entry_points.txt"]
    assert "Requires-Python: >=3.11" in about["METADATA"]
    assert about["LICENSE"] == (ROOT / "LICENSE").read_text()


def test_the_installed_command_works_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = "import tracker, carriers; print(tracker.__file__); print(carriers.__file__)"
    imported = subprocess.run(
        [sys.executable, "-c", where],
        env={**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(Path(line).is_relative_to(installed) for line in imported.stdout.splitlines())

    assert "Usage: tracker" in tracker(installed, tmp_path, "--help")
    tracker(installed, tmp_path, "init")
    assert (tmp_path / "config.yaml").read_bytes() == (ROOT / "config.yaml").read_bytes()
    listed = {carrier["code"] for carrier in json.loads(tracker(installed, tmp_path, "carriers", "--json"))}
    assert listed == {code for code, known in known_carriers().items() if known.kind != "plugin"}
    (tmp_path / "orders.csv").write_text(
        "sourceOrderId,sourceFulfillmentId,trackingNumber,trackingCompany\n#1,F1,794600000017,FedEx\n"
    )
    tracker(installed, tmp_path, "import", "orders.csv")  # migrations and all
    assert json.loads(tracker(installed, tmp_path, "status", "#1", "--json"))


# the image


def dockerfile() -> list[tuple[str, str]]:
    """The instructions: (word, rest), continued lines joined."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def final_stage() -> list[tuple[str, str]]:
    instructions = dockerfile()
    last = max(place for place, (word, _) in enumerate(instructions) if word == "FROM")
    return instructions[last:]


def in_context(name: str) -> bool:
    """Whether .dockerignore leaves a path of the checkout to the image; the last rule that fits decides."""
    kept = True
    for rule in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = rule.removeprefix("!").removeprefix("**/")
        if rule and not rule.startswith("#") and (fnmatch(name, pattern) or fnmatch(Path(name).name, pattern)):
            kept = rule.startswith("!")
    return kept


def test_the_image_gets_what_it_copies_and_no_secret() -> None:
    copied = [rest.split()[:-1] for word, rest in dockerfile() if word == "COPY" and not rest.startswith("--from")]

    names = {name for group in copied for name in group}
    assert {*NEEDED, "requirements.lock", "config.yaml"} == names
    assert all((ROOT / name).exists() and in_context(name) for name in names)
    assert not any(in_context(name) for name in (".git", "tracker.db", "secrets", ".env", ".venv", "a.pyc"))


def test_the_image_runs_as_nobody_from_the_base_it_was_built_on() -> None:
    bases = [rest.split()[0] for word, rest in dockerfile() if word == "FROM"]
    final = dict(final_stage())

    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", bases[0])
    assert final["USER"] == "10001:10001"
    assert final["VOLUME"] == "/data"
    assert json.loads(final["ENTRYPOINT"]) == ["tracker"]
    assert "pip uninstall" in final["RUN"]


class _Answers(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_the_health_check_asks_the_daemon(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    command = json.loads(dict(final_stage())["HEALTHCHECK"].partition("CMD ")[2])
    assert command[0] == "python"

    def healthy(asked: int) -> bool:
        environment = {**os.environ, "TRACKER_WEB__PORT": str(asked)}
        done = subprocess.run([sys.executable, *command[1:]], env=environment, capture_output=True, check=False)
        return done.returncode == 0

    assert healthy(port)
    monkeypatch.setattr(_Answers, "status", 503)
    assert not healthy(port)
    assert not healthy(1)


# compose


def test_the_compose_file_gives_the_container_nothing_it_does_not_need() -> None:
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text())
    service = composed["services"]["tracker"]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert all(address.startswith("127.0.0.1:") for address in service["ports"])
    assert "data:/data" in service["volumes"]
    assert set(service["secrets"]) == set(composed["secrets"])
    assert seconds(service["stop_grace_period"]) > DRAIN


# systemd


def unit() -> dict[str, list[str]]:
    """The settings of [Service], in order; what stands twice adds up."""
    settings: dict[str, list[str]] = {}
    section = ""
    for line in (ROOT / "deploy" / "fulfillment-tracker.service").read_text().splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            settings.setdefault(key, []).append(value)
    return settings


def seconds(text: str) -> float:
    """A duration as systemd and compose write it."""
    count, word = re.fullmatch(r"(\d+)(s|min|m|)", text).groups()  # type: ignore[union-attr]
    return int(count) * (60 if word in ("min", "m") else 1)


def test_the_unit_fits_the_daemon() -> None:
    service = unit()

    assert service["Type"] == ["notify"]
    assert service["ExecStart"][0].split()[1:3] == ["run", "-c"]
    assert "-HUP" in service["ExecReload"][0]
    assert seconds(service["TimeoutStopSec"][0]) > DRAIN
    assert seconds(service["WatchdogSec"][0]) > 2 * DRAIN, "a reload drains, and gives no sign of life meanwhile"
    assert service["RestartPreventExitStatus"] == ["2"]
    assert "TRACKER_DATABASE=%S/fulfillment-tracker/tracker.db" in service["Environment"]
    assert service["StateDirectory"] == ["fulfillment-tracker"]


def test_the_unit_is_hardened() -> None:
    service = unit()

    yes = (
        "DynamicUser NoNewPrivileges PrivateDevices PrivateTmp PrivateUsers ProtectClock ProtectControlGroups"
        " ProtectHome ProtectHostname ProtectKernelLogs ProtectKernelModules ProtectKernelTunables RestrictNamespaces"
        " RestrictRealtime RestrictSUIDSGID LockPersonality MemoryDenyWriteExecute"
    )
    assert [key for key in yes.split() if service.get(key) != ["yes"]] == []
    assert service["ProtectSystem"] == ["strict"]
    assert service["CapabilityBoundingSet"] == [""]
    assert service["SystemCallFilter"] == ["@system-service", "~@privileged @resources"]
    assert service["LimitCORE"] == ["0"], "credentials are in the memory of the process"


def test_the_documented_credentials_are_the_ones_the_unit_loads(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "deploying.md").read_text()
    snippet = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0]
    folder = "/run/credentials/fulfillment-tracker.service"
    names = set(re.findall(rf"{folder}/(\w+)", snippet))

    assert names == {line.partition(":")[0] for line in unit()["LoadCredential"]}
    assert ready(snippet, folder, tmp_path) == ["fedex"]


# Kubernetes


def kubernetes() -> dict[str, Any]:
    documents = yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text())
    return {document["kind"]: document for document in documents}


def ready(config: str, secrets: str, folder: Path) -> list[str]:
    """The accounts that a configuration makes, its secrets being in a folder of this machine."""
    (folder / "secrets").mkdir()
    for name in re.findall(rf"{secrets}/(\w+)", config):
        (folder / "secrets" / name).write_text("AB12\n")
    (folder / "config.yaml").write_text(config.replace(secrets, str(folder / "secrets")))
    settings = load(folder / "config.yaml", {})
    assert settings.orders.configured
    return [account.name for account in plan_accounts(settings)[0]]


def test_the_pod_is_alone_with_its_volume_and_has_no_rights() -> None:
    there = kubernetes()
    spec = there["Deployment"]["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]

    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")
    assert (
        spec["selector"]["matchLabels"]
        == spec["template"]["metadata"]["labels"]
        == there["Service"]["spec"]["selector"]
    )
    claim = next(volume for volume in pod["volumes"] if volume["name"] == "data")["persistentVolumeClaim"]["claimName"]
    assert claim == there["PersistentVolumeClaim"]["metadata"]["name"]
    assert pod["securityContext"]["runAsUser"] == int(dict(final_stage())["USER"].partition(":")[0])
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["terminationGracePeriodSeconds"] > DRAIN
    assert {volume["name"] for volume in pod["volumes"]} == {mount["name"] for mount in container["volumeMounts"]}
    assert len({document["metadata"]["namespace"] for document in there.values()}) == 1


def test_the_probes_ask_what_is_open_to_everybody() -> None:
    (container,) = kubernetes()["Deployment"]["spec"]["template"]["spec"]["containers"]
    probes = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}

    assert {probe["path"] for probe in probes.values()} <= OPEN_PATHS
    assert probes["liveness"]["path"] == "/healthz", "an outage elsewhere must not restart the pod"
    assert probes["readiness"]["path"] == "/readyz"
    assert {probe["port"] for probe in probes.values()} == {container["ports"][0]["name"]}


def test_the_configuration_in_the_config_map_works(tmp_path: Path) -> None:
    there = kubernetes()
    (container,) = there["Deployment"]["spec"]["template"]["spec"]["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}

    assert mounts["config"] in dict(pair.split("=") for pair in dict(final_stage())["ENV"].split())["TRACKER_CONFIG"]
    assert ready(there["ConfigMap"]["data"]["config.yaml"], mounts["secrets"], tmp_path) == ["fedex"]
