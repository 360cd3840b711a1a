"""Export ``kubernetes``: manifests that run the image of the ``docker`` export, hardened and scaled."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from golive.adapters.exports.containers.libraries import check_in_image
from golive.adapters.exports.context import checked_options, image_name, write_all
from golive.domain.bundle import Bundle
from golive.domain.digest import short
from golive.errors import UsageError

_LABEL_LENGTH = 63


class KubernetesExport:
    """Writes one file an object, and a kustomization that lists them."""

    name = "kubernetes"

    def write(
        self, bundle: Bundle, files: Mapping[str, bytes], folder: Path, options: Mapping[str, str]
    ) -> tuple[Path, ...]:
        """Write the manifests. Options: ``image``, ``replicas``, ``max_replicas``, ``namespace``.

        Raises:
            UsageError: the bundle's name cannot stand in Kubernetes, or a number is none.
            NotConvertibleError: no image can run the bundle.
        """
        del files
        check_in_image(bundle)
        given = checked_options(options, "image", "replicas", "max_replicas", "namespace")
        objects = manifests(bundle, given)
        content = {f"{name}.yaml": _dump(value) for name, value in objects.items()}
        resources: dict[str, Any] = {"resources": sorted(content)}
        if "namespace" in given:
            resources["namespace"] = given["namespace"]
        kustomization = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", **resources}
        return write_all(
            folder,
            {**content, "kustomization.yaml": _dump(kustomization), "README.md": _readme(bundle, given).encode()},
        )


def manifests(bundle: Bundle, options: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Give the objects by file name."""
    name = _object_name(bundle.name)
    selector = {"app.kubernetes.io/name": name, "app.kubernetes.io/component": "model-server"}
    labels = {**selector, "app.kubernetes.io/version": short(bundle.digest), "app.kubernetes.io/managed-by": "golive"}
    meta = {"name": name, "labels": labels}
    low, high = _number(options, "replicas", 2), _number(options, "max_replicas", 10)
    account = {"automountServiceAccountToken": False}
    budget = {"maxUnavailable": 1, "selector": {"matchLabels": selector}}
    deployment = {
        "replicas": low,
        "selector": {"matchLabels": selector},
        # A new pod must be ready before an old one goes: no request meets an empty service.
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": _pod(bundle, name, labels, selector, image_name(bundle, options)),
    }
    specs = {
        "deployment": ("apps/v1", "Deployment", deployment),
        "service": ("v1", "Service", _service(selector)),
        "horizontalpodautoscaler": ("autoscaling/v2", "HorizontalPodAutoscaler", _scaling(name, low, max(low, high))),
        "poddisruptionbudget": ("policy/v1", "PodDisruptionBudget", budget),
        "networkpolicy": ("networking.k8s.io/v1", "NetworkPolicy", _network(selector)),
    }
    return {
        "serviceaccount": {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta, **account},
        **{
            file: {"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec}
            for file, (version, kind, spec) in specs.items()
        },
    }


def _service(selector: dict[str, str]) -> dict[str, Any]:
    return {
        "selector": selector,
        "ports": [
            {"name": "http", "port": 80, "targetPort": "http"},
            {"name": "metrics", "port": 8082, "targetPort": "metrics"},
        ],
    }


def _scaling(name: str, low: int, high: int) -> dict[str, Any]:
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": low,
        "maxReplicas": high,
        "metrics": [{"type": "Resource", "resource": cpu}],
    }


def _network(selector: dict[str, str]) -> dict[str, Any]:
    # A model needs nobody: callers come in, nothing goes out.
    return {
        "podSelector": {"matchLabels": selector},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"ports": [{"port": 8080}, {"port": 8082}]}],
        "egress": [],
    }


def _pod(bundle: Bundle, name: str, labels: dict[str, str], selector: dict[str, str], image: str) -> dict[str, Any]:
    scraped = {"prometheus.io/scrape": "true", "prometheus.io/port": "8082"}
    return {
        "metadata": {"labels": labels, "annotations": {"golive/bundle": bundle.digest, **scraped}},
        "spec": {
            "serviceAccountName": name,
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 40,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "runAsGroup": 10001,
                "fsGroup": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "kubernetes.io/hostname",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": selector},
                }
            ],
            "containers": [_container(image)],
            "volumes": [
                {"name": "run", "emptyDir": {}},
                {"name": "tmp", "emptyDir": {}},
                {"name": "api-key", "secret": {"secretName": f"{name}-api-key"}},
            ],
        },
    }


def _container(image: str) -> dict[str, Any]:
    ready = {"path": "/v2/health/ready", "port": "http"}
    live = {"path": "/v2/health/live", "port": "http"}
    return {
        "name": "model",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "ports": [
            {"name": "http", "containerPort": 8080},
            {"name": "metrics", "containerPort": 8082},
        ],
        "env": [{"name": "GOLIVE_API_KEY_FILE", "value": "/run/secrets/golive/api-key"}],
        "startupProbe": {"httpGet": ready, "periodSeconds": 1, "failureThreshold": 60},
        "readinessProbe": {"httpGet": ready, "periodSeconds": 5, "timeoutSeconds": 3},
        "livenessProbe": {"httpGet": live, "periodSeconds": 10, "timeoutSeconds": 5},
        # Endpoints need a moment to forget a pod that ends.
        "lifecycle": {"preStop": {"exec": {"command": ["python", "-c", "import time; time.sleep(5)"]}}},
        "resources": {
            "requests": {"cpu": "500m", "memory": "256Mi"},
            "limits": {"cpu": "2", "memory": "1Gi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "run", "mountPath": "/srv/golive/run"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a path in the container
            {"name": "api-key", "mountPath": "/run/secrets/golive", "readOnly": True},
        ],
    }


def _object_name(name: str) -> str:
    fitted = name.replace(".", "-").replace("_", "-")
    if fitted[0].isdigit():
        # The name of a Service begins with a letter.
        fitted = f"model-{fitted}"
    if len(fitted) > _LABEL_LENGTH - len("-api-key"):
        message = f"{name!r} is too long for Kubernetes objects, which take {_LABEL_LENGTH} characters"
        raise UsageError(message)
    return fitted


def _number(options: dict[str, str], key: str, default: int) -> int:
    text = options.get(key, str(default))
    if not text.isdigit() or int(text) < 1:
        message = f"option {key}={text!r} is not a number of 1 or more"
        raise UsageError(message)
    return int(text)


def _dump(value: dict[str, Any]) -> bytes:
    return yaml.dump(value, sort_keys=False, Dumper=_PlainDumper).encode()


class _PlainDumper(yaml.SafeDumper):
    """Writes shared values out in full instead of as YAML anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _readme(bundle: Bundle, options: dict[str, str]) -> str:
    name = _object_name(bundle.name)
    return f"""# {bundle.name} on Kubernetes

The image comes from `golive export {bundle.name} --to docker`; push it as `{image_name(bundle, options)}`.

```
kubectl create secret generic {name}-api-key --from-literal=api-key="$(openssl rand -hex 32)"
kubectl apply --kustomize .
kubectl rollout status deployment/{name}
```

Two or more pods, each non-root with a read-only file system; a new pod must be ready before an old one ends.
"""
