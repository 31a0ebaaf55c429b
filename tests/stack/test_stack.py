"""The stack's files are valid, agree with each other, and publish nothing to the outside."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SECRETS = {
    "CLICKHOUSE_PASSWORD",
    "GRAFANA_CLICKHOUSE_PASSWORD",
    "GRAFANA_ADMIN_PASSWORD",
    "JUPYTER_TOKEN",
}
OPTIONAL_SECRETS = {"TARGET_FAULT_TOKEN"}
# Recognisable wherever compose puts them.
VALUES = {name: f"value-of-{name.lower()}" for name in SECRETS | OPTIONAL_SECRETS}
CLUSTER = ["scheduler", "worker"]  # with the profile of this name
SERVICES = ["clickhouse", "collector", "grafana", "lab", "target", *CLUSTER]
ONCE = ["schema"]  # does its work and ends
DOCKERFILES = [ROOT / "target/Dockerfile", *sorted((ROOT / ".docker").glob("*.Dockerfile"))]


@cache
def compose_command() -> list[str]:
    """Docker's compose plug-in, as in `make up`, or else the program it grew out of.

    Skips without either, fails where one is required.
    """
    if docker := shutil.which("docker"):
        plugin = [docker, "compose"]
        asked = subprocess.run([*plugin, "version"], capture_output=True, check=False)
        if asked.returncode == 0:
            return plugin
    if program := shutil.which("docker-compose"):
        return [program]
    message = "neither docker-compose nor docker's compose plug-in is installed"
    if os.environ.get("BENCHLAB_REQUIRE_EXTRAS") == "1":
        pytest.fail(message)
    pytest.skip(message)


def compose_config(tmp_path: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Let compose resolve compose.yaml with exactly these variables, whatever .env holds."""
    env_file = tmp_path / "env"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    # Version 1 of compose prints the services of all profiles, version 2 of those asked for.
    chosen = ["--env-file", str(env_file), "--file", "compose.yaml", "--profile", "cluster"]
    return subprocess.run(
        [*compose_command(), *chosen, "config"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    done = compose_config(tmp_path_factory.mktemp("compose"), VALUES)
    assert done.returncode == 0, done.stderr
    resolved: dict[str, dict[str, Any]] = yaml.safe_load(done.stdout)["services"]
    return resolved


def dockerfile(service: dict[str, Any]) -> str:
    """The text of the Dockerfile a service is built from, or ''."""
    build = service.get("build")
    return (ROOT / build["dockerfile"]).read_text() if build else ""


def test_compose_has_the_whole_stack(services: dict[str, dict[str, Any]]) -> None:
    assert sorted(services) == sorted(SERVICES + ONCE)


def test_published_ports_are_on_loopback_only(services: dict[str, dict[str, Any]]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert len(published) >= len(SERVICES)
    for port in published:
        # Version 1 of compose prints strings, version 2 mappings.
        host = port["host_ip"] if isinstance(port, dict) else port.split(":")[0]
        assert host == "127.0.0.1"
    assert not [name for name in services if services[name].get("network_mode") == "host"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_health_check(services: dict[str, dict[str, Any]], name: str) -> None:
    service = services[name]
    assert "healthcheck" in service or "HEALTHCHECK" in dockerfile(service)


def test_services_wait_for_those_they_need_to_be_healthy(
    services: dict[str, dict[str, Any]],
) -> None:
    needs = {
        name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }
    assert needs == {
        "clickhouse": {},
        "schema": {"clickhouse": "service_healthy"},
        "collector": {"schema": "service_completed_successfully"},
        "target": {"collector": "service_healthy"},
        "grafana": {"schema": "service_completed_successfully"},
        "lab": {"schema": "service_completed_successfully", "target": "service_healthy"},
        "scheduler": {},
        "worker": {"scheduler": "service_healthy"},
    }


def test_the_cluster_is_there_when_asked_for_and_has_the_labs_version_of_everything(
    services: dict[str, dict[str, Any]],
) -> None:
    assert [name for name in sorted(services) if services[name].get("profiles")] == CLUSTER
    for name in CLUSTER:
        assert services[name]["profiles"] == ["cluster"]
        assert services[name]["image"] == services["lab"]["image"]
    (published,) = services["scheduler"]["ports"]
    is_text = isinstance(published, str)
    port = published.rsplit(":", 1)[1].partition("/")[0] if is_text else published["target"]
    assert f"tcp://scheduler:{port}" in services["worker"]["command"]
    assert f"--port={port}" in services["scheduler"]["command"]


@pytest.mark.parametrize("name", ONCE)
def test_one_shot_services_are_not_restarted(
    services: dict[str, dict[str, Any]], name: str
) -> None:
    assert services[name]["restart"] == "no"
    # Its image may have a check, of a service that this is not.
    assert services[name]["healthcheck"] == {"test": ["NONE"]}


def test_services_cannot_gain_privileges(services: dict[str, dict[str, Any]]) -> None:
    for service in services.values():
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not service.get("privileged")
        assert service["cap_drop"] == ["ALL"]
    added = {name: service["cap_add"] for name, service in services.items() if "cap_add" in service}
    assert added == {"clickhouse": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]}


def test_images_are_pinned(services: dict[str, dict[str, Any]]) -> None:
    references = [service["image"] for service in services.values()]
    for path in DOCKERFILES:
        references += re.findall(r"^FROM (\S+)", path.read_text(), re.MULTILINE)
    assert len(references) == len(SERVICES + ONCE) + 4
    for reference in references:
        assert re.search(r":v?\d+\.\d+\.\d+[\w.-]*$", reference), reference


def test_containers_of_our_own_do_not_run_as_root() -> None:
    for path in (ROOT / "target/Dockerfile", ROOT / ".docker/lab.Dockerfile"):
        instructions = re.findall(r"^(USER|CMD|RUN) ?(.*)$", path.read_text(), re.MULTILINE)
        last_user = [argument for name, argument in instructions if name == "USER"][-1]
        assert last_user not in ("", "root", "0")
        (command,) = [argument for name, argument in instructions if name == "CMD"]
        assert command.startswith("["), "a shell between the engine and the process eats SIGTERM"


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_a_missing_secret_stops_compose_and_is_named(tmp_path: Path, missing: str) -> None:
    # Empty, as in an .env that was copied and not filled in, is as good as missing.
    done = compose_config(tmp_path, {**VALUES, missing: ""})
    assert done.returncode != 0
    assert f"set {missing} in .env, see .env.example" in done.stderr


def test_secrets_come_from_the_environment_only(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET|DSN", variable):
                assert any(secret in value for secret in VALUES.values()), (name, variable)


def test_the_example_env_lists_every_secret_without_values() -> None:
    text = (ROOT / ".env.example").read_text()
    assert dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)) == dict.fromkeys(SECRETS, "")
    compose = (ROOT / "compose.yaml").read_text()
    ports = set(re.findall(r"\$\{(\w+_PORT):-\d+\}", compose))
    assert ports == set(re.findall(r"^#(\w+_PORT)=\d+$", text, re.MULTILINE))
    optional = set(re.findall(r"\$\{(\w+):-[^}]*\}", compose)) - ports
    assert optional == set(re.findall(r"^#(\w+)=", text, re.MULTILINE)) - ports
    assert re.findall(r"^#(\w+)=$", text, re.MULTILINE) == sorted(OPTIONAL_SECRETS)


def test_faults_of_the_target_are_off_and_have_no_token_by_default(tmp_path: Path) -> None:
    done = compose_config(tmp_path, {name: VALUES[name] for name in SECRETS})
    services = yaml.safe_load(done.stdout)["services"]
    assert services["target"]["environment"]["BENCHLAB_TARGET_FAULTS"] == "0"
    for name in ("target", "lab"):
        assert services[name]["environment"]["BENCHLAB_TARGET_FAULT_TOKEN"] == ""


def test_target_and_lab_share_the_token_for_faults(services: dict[str, dict[str, Any]]) -> None:
    for name in ("target", "lab"):
        token = services[name]["environment"]["BENCHLAB_TARGET_FAULT_TOKEN"]
        assert token == VALUES["TARGET_FAULT_TOKEN"]


def test_the_target_serves_grpc_on_the_port_that_is_published(
    services: dict[str, dict[str, Any]],
) -> None:
    target = services["target"]
    _, _, port = target["environment"]["BENCHLAB_TARGET_GRPC"].rpartition(":")
    # Version 1 of compose prints strings such as 127.0.0.1:8000:8000/tcp, version 2 mappings.
    published = {
        str(entry["target"]) if isinstance(entry, dict) else re.findall(r"\d+", entry)[-1]
        for entry in target["ports"]
    }
    exposed = set(re.findall(r"^EXPOSE (.+)$", dockerfile(target), re.MULTILINE)[0].split())
    assert port in published == exposed


def test_every_mounted_file_exists(services: dict[str, dict[str, Any]]) -> None:
    sources = []
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume["source"] if isinstance(volume, dict) else volume.split(":")[0]
            if source.startswith("/"):
                sources.append(Path(source))
    assert sources
    assert [path for path in sources if not path.exists()] == []


def test_the_collector_is_configured_with_variables_it_knows(
    services: dict[str, dict[str, Any]],
) -> None:
    known = set(re.findall(r"\$\{env:(\w+):-", (ROOT / "otel/collector.yaml").read_text()))
    assert set(services["collector"]["environment"]) <= known


def test_the_collector_listens_on_loopback_by_default() -> None:
    text = (ROOT / "otel/collector.yaml").read_text()
    assert not re.findall(r"\$\{env:\w+\}", text), "a variable without a default"
    config = yaml.safe_load(re.sub(r"\$\{env:\w+:-([^}]*)\}", r"\1", text))
    protocols = config["receivers"]["otlp"]["protocols"]
    listening = [
        *(protocol["endpoint"] for protocol in protocols.values()),
        config["extensions"]["health_check"]["endpoint"],
        config["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"][
            "host"
        ],
    ]
    assert [address for address in listening if not address.startswith("127.0.0.1")] == []


def test_pipelines_limit_memory_first_and_use_what_is_configured() -> None:
    config = yaml.safe_load((ROOT / "otel/collector.yaml").read_text())
    for signal, pipeline in config["service"]["pipelines"].items():
        assert pipeline["processors"] == ["memory_limiter", "batch"]
        assert pipeline["exporters"] == [f"file/{signal}", "debug", "clickhouse"]
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(config[kind])


def test_the_built_collector_has_the_images_components(
    services: dict[str, dict[str, Any]],
) -> None:
    manifest = yaml.safe_load((ROOT / "otel/builder.yaml").read_text())
    image = re.search(
        r"^FROM otel/opentelemetry-collector-contrib:(\S+)",
        (ROOT / ".docker/collector.Dockerfile").read_text(),
        re.MULTILINE,
    )
    assert image is not None
    version = manifest["dist"]["version"]
    assert version == image[1]
    assert services["collector"]["image"].endswith(f":{version}")

    kinds = ("receivers", "processors", "exporters", "extensions")
    modules = [entry["gomod"].split() for kind in kinds for entry in manifest[kind]]
    assert {number for _, number in modules} == {f"v{version}"}

    config = yaml.safe_load((ROOT / "otel/collector.yaml").read_text())
    used = {
        name.split("/")[0].replace("_", "") + kind.removesuffix("s")
        for kind in kinds
        for name in config[kind]
    }
    assert used == {module.rsplit("/", 1)[1] for module, _ in modules}


def test_grafana_logs_in_as_the_read_only_user() -> None:
    (source,) = yaml.safe_load(
        (ROOT / "otel/grafana/provisioning/datasources/clickhouse.yaml").read_text()
    )["datasources"]
    name = source["jsonData"]["username"]
    root = ET.fromstring((ROOT / "otel/clickhouse/grafana-user.xml").read_text())
    (user,) = root.findall("users/*")
    assert user.tag == name
    variable = source["secureJsonData"]["password"].removeprefix("$")
    password = user.find("password")
    assert password is not None
    assert (password.attrib, password.text) == ({"from_env": variable}, None)
    assert variable in SECRETS

    profile = root.find(f"profiles/{user.findtext('profile')}")
    assert profile is not None
    assert profile.findtext("readonly") == "1"
    database = source["jsonData"]["defaultDatabase"]
    assert [grant.text for grant in user.findall("grants/query")] == [
        f"GRANT SELECT ON {database}.*"
    ]


def test_dashboards_are_provisioned_from_where_compose_mounts_them(
    services: dict[str, dict[str, Any]],
) -> None:
    (provider,) = yaml.safe_load(
        (ROOT / "otel/grafana/provisioning/dashboards/benchlab.yaml").read_text()
    )["providers"]
    volumes = [
        volume["target"] if isinstance(volume, dict) else volume.split(":")[1]
        for volume in services["grafana"]["volumes"]
    ]
    assert provider["options"]["path"] in volumes


def test_dockerignore_is_an_allow_list() -> None:
    rules = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert rules[0] == "*"
    wanted = {rule.removeprefix("!").rstrip("/") for rule in rules if rule.startswith("!")}
    copied = {
        source.split("/")[0]
        for path in DOCKERFILES
        for source in re.findall(r"^COPY ([^-.]\S*) ", path.read_text(), re.MULTILINE)
    }
    assert copied <= wanted
    hidden = [name for name in wanted if name.startswith(".")]
    assert hidden == [".github/tools/metadata_hook.py"]  # which the build of the package calls
