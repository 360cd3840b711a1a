"""What the docker, compose and kubernetes exports write, read as the tools that take it read it."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from priced import keep

from golive import plugins
from golive.adapters.exports.containers.libraries import requirements
from golive.domain.bundle import Bundle
from golive.errors import MissingExtraError, NotConvertibleError, UsageError
from golive.store.bundles import BundleStore


def export(kind: str, folder: Path, *, name: str = "priced", **options: str) -> Path:
    bundle, files = keep(folder / "store", name=name)
    out = folder / "out"
    out.mkdir()
    written = plugins.load("exports", kind).write(bundle, files, out, options)
    assert all(path.exists() and out in path.parents for path in written)
    return out


def objects(folder: Path) -> dict[str, dict[str, Any]]:
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == sorted(path.name for path in folder.glob("*.yaml") if path.name != "kustomization.yaml")
    read = [yaml.safe_load((folder / name).read_text()) for name in listed]
    return {one["kind"]: one for one in read}


@pytest.fixture
def cluster(tmp_path: Path) -> dict[str, dict[str, Any]]:
    return objects(export("kubernetes", tmp_path))


def test_every_selector_meets_the_labels_of_the_pods(cluster):
    labels = cluster["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    pod = cluster["Deployment"]["spec"]["template"]["spec"]
    selectors = [
        cluster["Deployment"]["spec"]["selector"]["matchLabels"],
        cluster["Service"]["spec"]["selector"],
        cluster["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        cluster["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        pod["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
    ]
    assert all(selector and selector.items() <= labels for selector in selectors)
    # A selector cannot be changed later, so nothing of one release is in it.
    assert "app.kubernetes.io/version" not in selectors[0]


def test_probes_services_policies_and_scrapers_name_ports_that_the_container_opens(cluster):
    (container,) = cluster["Deployment"]["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    probes = [container[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")]
    assert {probe["port"] for probe in probes} | {
        port["targetPort"] for port in cluster["Service"]["spec"]["ports"]
    } <= set(ports)
    assert {port["port"] for port in cluster["NetworkPolicy"]["spec"]["ingress"][0]["ports"]} == set(ports.values())
    annotations = cluster["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert int(annotations["prometheus.io/port"]) == ports["metrics"]


def test_the_scaler_refers_to_the_deployment_and_cpu_is_requested_for_it_to_measure(cluster):
    deployment, scaler = cluster["Deployment"], cluster["HorizontalPodAutoscaler"]["spec"]
    assert scaler["scaleTargetRef"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": deployment["metadata"]["name"],
    }
    assert scaler["minReplicas"] == deployment["spec"]["replicas"] <= scaler["maxReplicas"]
    assert "cpu" in deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]


def test_the_key_comes_from_the_secret_that_the_readme_makes(tmp_path):
    out = export("kubernetes", tmp_path)
    pod = objects(out)["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounts) == set(volumes)
    (secret,) = [volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume]
    assert f"create secret generic {secret} --from-literal=api-key=" in (out / "README.md").read_text()
    assert container["env"] == [{"name": "GOLIVE_API_KEY_FILE", "value": f"{mounts['api-key']}/api-key"}]


def test_a_pod_runs_as_nobody_in_particular_and_may_write_only_where_it_must(cluster):
    pod = cluster["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["volumeMounts"][0]["mountPath"] == "/srv/golive/run"
    assert pod["serviceAccountName"] == cluster["ServiceAccount"]["metadata"]["name"]


def test_a_name_that_begins_with_a_digit_or_has_dots_becomes_one_that_services_may_have(tmp_path):
    made = objects(export("kubernetes", tmp_path, name="2nd.price_model"))
    assert {one["metadata"]["name"] for one in made.values()} == {"model-2nd-price-model"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"replicas": "none"}, "option replicas='none' is not a number of 1 or more"),
        ({"replica": "3"}, "no option 'replica'; did you mean 'replicas'?"),
        ({"image": "a b"}, "option image='a b' is empty or has blanks"),
    ],
)
def test_options_that_mean_nothing_are_refused(tmp_path, options, said):
    with pytest.raises(UsageError) as refused:
        export("kubernetes", tmp_path, **options)
    assert said in refused.value.message


def test_kustomize_reads_the_folder(tmp_path):
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed, so nothing here can read a kustomization")
    out = export("kubernetes", tmp_path, namespace="models")
    done = subprocess.run(["kubectl", "kustomize", str(out)], capture_output=True, text=True, check=True, timeout=60)
    made = list(yaml.safe_load_all(done.stdout))
    assert len(made) == 6
    assert {one["metadata"]["namespace"] for one in made} == {"models"}


def test_the_build_context_holds_the_bundle_golive_and_nothing_cached_for_any_user_to_read(tmp_path):
    before = os.umask(0o077)
    try:
        out = export("docker", tmp_path)
    finally:
        os.umask(before)
    (kept,) = BundleStore(out / "state" / "store").list()
    assert kept.name == "priced"
    assert f'CMD ["{kept.digest}"' in (out / "Dockerfile").read_text()
    paths = list(out.rglob("*"))
    assert not [
        path
        for path in paths
        if path.name == "__pycache__" or path.suffix == ".pyc" or ("ledger" in path.name and path.suffix == ".db")
    ]
    assert all(path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644) for path in paths)
    assert "entry_points.txt" in {path.name for path in paths}


def test_the_image_ends_on_the_signal_it_is_stopped_with_and_runs_as_a_number_that_is_not_root(tmp_path):
    text = (export("docker", tmp_path, base="python:3.12-slim") / "Dockerfile").read_text()
    assert text.startswith("FROM python:3.12-slim\n")
    assert "\nUSER 10001:10001\n" in text
    assert "\nSTOPSIGNAL SIGTERM\n" in text
    assert 'ENTRYPOINT ["python", "-m", "golive", "serve"]' in text


def test_compose_mounts_files_that_are_there_or_that_the_readme_makes(tmp_path):
    out = export("compose", tmp_path)
    made = yaml.safe_load((out / "compose.yaml").read_text())
    assert (out / made["services"]["model"]["build"] / "Dockerfile").is_file()
    assert (out / made["services"]["prometheus"]["volumes"][0].partition(":")[0]).is_file()
    (secret,) = made["services"]["model"]["secrets"]
    assert f"> {made['secrets'][secret]['file'].removeprefix('./')}\n" in (out / "README.md").read_text()
    assert made["services"]["model"]["environment"]["GOLIVE_API_KEY_FILE"] == f"/run/secrets/{secret}"
    scraped = yaml.safe_load((out / "prometheus.yml").read_text())["scrape_configs"][0]["static_configs"][0]["targets"]
    assert scraped == [f"model:{made['services']['model']['expose'][0]}"]


PARENT = "sha256:" + "ab" * 32
CONTAINERS = ("docker", "compose", "kubernetes")


def run_by(runtime: str, folder: Path, *, parent: str | None = PARENT) -> tuple[Bundle, dict[str, bytes]]:
    bundle, files = keep(folder / "store")
    lineage = msgspec.structs.replace(bundle.manifest.lineage, parent=parent)
    manifest = msgspec.structs.replace(bundle.manifest, runtime=runtime, lineage=lineage)
    return BundleStore(folder / "store").write(manifest, files, created_at=bundle.created_at), files


@pytest.mark.parametrize("kind", CONTAINERS)
def test_a_bundle_that_needs_a_compiler_is_refused_with_the_one_it_was_made_from(kind, tmp_path):
    bundle, files = run_by("compiled", tmp_path)
    with pytest.raises(NotConvertibleError, match=rf"the image has none; .*: golive export {PARENT} --to docker$"):
        plugins.load("exports", kind).write(bundle, files, tmp_path, {})
    orphan, files = run_by("compiled", tmp_path, parent=None)
    with pytest.raises(NotConvertibleError, match=r"golive package or golive import, and export that$"):
        plugins.load("exports", kind).write(orphan, files, tmp_path / "store", {})


@pytest.mark.parametrize("kind", CONTAINERS)
def test_a_bundle_of_python_code_is_refused_with_another_way(kind, tmp_path):
    bundle, files = run_by("isolated", tmp_path)
    with pytest.raises(NotConvertibleError, match=r"an image is read-only; serve it with golive serve"):
        plugins.load("exports", kind).write(bundle, files, tmp_path, {})


def test_the_image_of_a_bundle_run_by_openvino_installs_it(tmp_path, monkeypatch):
    # A distribution's version is read from its metadata; openvino itself is not needed for that.
    (tmp_path / "site" / "openvino-2026.4.1.dist-info").mkdir(parents=True)
    (tmp_path / "site" / "openvino-2026.4.1.dist-info" / "METADATA").write_text("Name: openvino\nVersion: 2026.4.1\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    bundle, files = run_by("openvino", tmp_path)
    (tmp_path / "out").mkdir()
    plugins.load("exports", "docker").write(bundle, files, tmp_path / "out", {})
    lines = (tmp_path / "out" / "requirements.txt").read_text().splitlines()
    assert "openvino==2026.4.1" in lines
    assert {line.partition("==")[0] for line in lines} >= {"numpy", "onnxruntime"}
    assert len(lines) == len({line.partition("==")[0] for line in lines})


def test_a_runtime_that_is_not_installed_here_is_named_with_its_extra(tmp_path):
    bundle, _ = run_by("openvino", tmp_path)
    with pytest.raises(MissingExtraError, match=r"pip install 'golive\[openvino\]' brings it"):
        requirements(bundle, {"openvino": ("a-distribution-that-nobody-has",)})


def test_the_image_of_any_other_bundle_holds_the_base_libraries_only(tmp_path):
    assert "openvino" not in (export("docker", tmp_path) / "requirements.txt").read_text()
