"""The containers that show the system: what they run, read and let in."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from bridge.settings import Settings
from tests.stack import REPOSITORY

FILE, BASE, HOST = (f"docker-compose.{part}yml" for part in ("monitoring.", "", "monitoring.host."))


def services(file: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((REPOSITORY / file).read_text())["services"]
    return found


SERVICES = services(FILE)
SCRAPED = yaml.safe_load((REPOSITORY / "config/prometheus/prometheus.yml").read_text())
PORTS = {"flower": 5555, "redis_exporter": 9121, "gpu_exporter": 9400}


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if "image" in service])
def test_an_image_is_that_of_one_release(name: str) -> None:
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*", SERVICES[name]["image"])


def test_operators_find_each_page_at_the_port_they_know() -> None:
    published = {name: service["ports"][0] for name, service in SERVICES.items() if "ports" in service}

    assert {name: port.rpartition(":")[2] for name, port in published.items() if name != "flower"} == {
        "prometheus": "9090",
        "alertmanager": "9093",
        "grafana": "3000",
    }


def test_every_folder_of_ours_that_is_mounted_exists_and_cannot_be_written() -> None:
    mounted = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    ours = [volume.split(":") for volume in mounted if volume.startswith("./")]

    assert len(ours) == 4
    for source, _, mode in ours:
        assert (REPOSITORY / source).is_dir()
        assert mode == "ro"


def test_grafana_lets_in_only_who_has_the_password_that_was_chosen() -> None:
    given = SERVICES["grafana"]["environment"]

    assert given["GF_SECURITY_ADMIN_PASSWORD"].startswith("${GRAFANA_PASSWORD:?")  # none, and Compose refuses
    assert given["GF_AUTH_ANONYMOUS_ENABLED"] == given["GF_USERS_ALLOW_SIGN_UP"] == "false"


def test_every_container_that_is_scraped_is_there_at_its_port() -> None:
    by_name = {
        job["job_name"]: job["dns_sd_configs"][0]
        for job in SCRAPED["scrape_configs"]
        if "dns_sd_configs" in job
    }

    assert {found["names"][0]: found["port"] for found in by_name.values()} == PORTS
    assert PORTS.keys() <= SERVICES.keys()
    assert SCRAPED["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] == ["alertmanager:9093"]


def test_gateways_and_workers_are_scraped_once_each_by_what_a_gateway_tells() -> None:
    (job,) = (job for job in SCRAPED["scrape_configs"] if "http_sd_configs" in job)
    port = Settings.model_fields["port"].default

    assert job["http_sd_configs"][0]["url"] == f"http://gateway:{port}/metrics/targets"
    assert "gateway" in services(BASE)
    assert not any("static_configs" in job for job in SCRAPED["scrape_configs"])


def test_the_workers_of_each_stage_have_the_port_that_operators_know() -> None:
    given = {
        name: service["environment"] for name, service in services(BASE).items() if name.startswith("worker-")
    }

    assert {name: (each["METRICS_HOST"], each["METRICS_PORT"]) for name, each in given.items()} == {
        "worker-stt": ("0.0.0.0", "9101"),
        "worker-translation": ("0.0.0.0", "9102"),
        "worker-tts": ("0.0.0.0", "9103"),
    }


def test_prometheus_knows_the_password_of_flower_where_there_is_one() -> None:
    (mounted,) = SERVICES["prometheus"]["configs"]
    (flower,) = (job for job in SCRAPED["scrape_configs"] if job["job_name"] == "flower")
    written = yaml.safe_load((REPOSITORY / FILE).read_text())["configs"][mounted["source"]]["content"]

    assert mounted["target"] == flower["basic_auth"]["password_file"]
    assert written == "${FLOWER_PASSWORD:-unset}"
    assert flower["basic_auth"]["username"] == Settings.model_fields["flower_user"].default


def test_beside_a_stack_on_the_host_all_listen_on_loopback_and_find_each_other_there() -> None:
    host = services(HOST)

    assert host.keys() == {"prometheus", "alertmanager", "grafana"}
    assert {service["network_mode"] for service in host.values()} == {"host"}
    assert "--web.listen-address=127.0.0.1:9090" in host["prometheus"]["command"]
    assert "--web.listen-address=127.0.0.1:9093" in host["alertmanager"]["command"]
    assert host["grafana"]["environment"] == {"GF_SERVER_HTTP_ADDR": "127.0.0.1"}
    for name in ("prometheus", "alertmanager"):
        assert set(SERVICES[name]["command"]) <= set(host[name]["command"])
    named = [each for service in host.values() for each in service.get("extra_hosts", [])]
    assert named == ["gateway:127.0.0.1", "alertmanager:127.0.0.1", "prometheus:127.0.0.1"]


def test_a_gpu_is_asked_for_only_where_it_is_wanted() -> None:
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["gpu_exporter"]
    assert [name for name, service in SERVICES.items() if "deploy" in service] == ["gpu_exporter"]


def test_every_profile_that_a_document_names_exists() -> None:
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]
    named = {
        name for page in pages for name in re.findall(r"compose [^`\n]*--profile (\w+)", page.read_text())
    }

    assert named == {"gpu"}
