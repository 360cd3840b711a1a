"""Export ``compose``: the image, beside a Prometheus that watches it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from golive.adapters.exports.containers.docker import write_context
from golive.adapters.exports.context import checked_options, image_name, write_all
from golive.domain.bundle import Bundle


class ComposeExport:
    """Writes compose.yaml, prometheus.yml and the build context of the image."""

    name = "compose"

    def write(
        self, bundle: Bundle, files: Mapping[str, bytes], folder: Path, options: Mapping[str, str]
    ) -> tuple[Path, ...]:
        """Write files that Compose v1 (from 1.27) and v2 read. Options: those of ``docker``, and ``prometheus``."""
        given = checked_options(options, "base", "image", "prometheus")
        image = folder / "image"
        image.mkdir()
        context = write_context(bundle, files, image, given)
        written = write_all(
            folder,
            {
                "compose.yaml": _dump(_services(bundle, given)),
                "prometheus.yml": _dump(_scrape(bundle)),
                "README.md": _readme(bundle).encode(),
            },
        )
        return (*written, *context)


def _services(bundle: Bundle, options: dict[str, str]) -> dict[str, Any]:
    return {
        "services": {
            "model": {
                "build": "./image",
                "image": image_name(bundle, options),
                "read_only": True,
                "tmpfs": ["/tmp", "/srv/golive/run:uid=10001"],  # noqa: S108 - a path in the container
                "cap_drop": ["ALL"],
                "security_opt": ["no-new-privileges:true"],
                "environment": {"GOLIVE_API_KEY_FILE": "/run/secrets/golive_api_key"},
                "secrets": ["golive_api_key"],
                "ports": ["127.0.0.1:${GOLIVE_PORT:-8080}:8080"],
                "expose": ["8082"],
                "restart": "unless-stopped",
                "stop_grace_period": "35s",
            },
            "prometheus": {
                "image": options.get("prometheus", "prom/prometheus:v3.5.0"),
                "volumes": ["./prometheus.yml:/etc/prometheus/prometheus.yml:ro"],
                "ports": ["127.0.0.1:${PROMETHEUS_PORT:-9090}:9090"],
                "depends_on": ["model"],
                "restart": "unless-stopped",
            },
        },
        "secrets": {"golive_api_key": {"file": "./api_key.txt"}},
    }


def _scrape(bundle: Bundle) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": "5s"},
        "scrape_configs": [
            {
                "job_name": "golive",
                "static_configs": [{"targets": ["model:8082"], "labels": {"deployment": bundle.name}}],
            }
        ],
    }


def _dump(value: dict[str, Any]) -> bytes:
    return yaml.safe_dump(value, sort_keys=False).encode()


def _readme(bundle: Bundle) -> str:
    return f"""# {bundle.name} with Prometheus

```
python3 -c "import secrets; print(secrets.token_urlsafe(32))" > api_key.txt
chmod 644 api_key.txt                          # the server runs as another user than you
docker compose up --build --detach
curl -H "X-API-Key: $(cat api_key.txt)" http://127.0.0.1:8080/v2/models/{bundle.name}
```

Prometheus is at http://127.0.0.1:9090 (`GOLIVE_PORT` and `PROMETHEUS_PORT` choose other ports); ask it
for `rate(golive_requests_total[1m])`.
"""
