"""The manifests of ``golive export --to kubernetes`` against the API schemas of several Kubernetes versions."""

import pytest
import yaml
from priced import keep

from golive import plugins

pytestmark = pytest.mark.heavy


@pytest.mark.parametrize("version", ["1.34", "1.36"])
def test_every_object_is_one_that_the_api_takes(tmp_path, version):
    kubernetes_validate = pytest.importorskip(
        "kubernetes_validate", reason="kubernetes-validate is not installed (the heavy extra brings it)"
    )

    out = tmp_path / "out"
    out.mkdir()
    plugins.load("exports", "kubernetes").write(*keep(tmp_path / "store"), out, {})
    objects = [yaml.safe_load(path.read_text()) for path in out.glob("*.yaml") if path.name != "kustomization.yaml"]
    assert len(objects) == 6
    for one in objects:
        kubernetes_validate.validate(one, version, strict=True)
    objects[0]["spec" if "spec" in objects[0] else "metadata"]["surprise"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(objects[0], version, strict=True)
