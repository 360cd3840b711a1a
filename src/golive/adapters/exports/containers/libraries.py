"""Libraries: what an image needs besides golive's own ones, so that a bundle's runtime is in it."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError

from golive import plugins
from golive.adapters.exports.context import pinned
from golive.domain.bundle import Bundle
from golive.errors import MissingExtraError, NotConvertibleError

COMPILED = "compiled"
ISOLATED = "isolated"
OF_RUNTIMES: Mapping[str, tuple[str, ...]] = {"openvino": ("openvino",)}
"""Runtime -> the distributions that it takes besides the base ones."""


def check_in_image(bundle: Bundle) -> None:
    """Check that an image can run a bundle.

    Raises:
        NotConvertibleError: its runtime compiles a program or makes an environment where it serves; the message says
            what to do instead.
    """
    if bundle.manifest.runtime == ISOLATED:
        message = (
            f"{bundle.name} {bundle.digest} holds Python code that is run in an environment of its own, which golive "
            "makes where it serves, and an image is read-only; serve it with golive serve on a machine with golive"
        )
        raise NotConvertibleError(message)
    if bundle.manifest.runtime != COMPILED:
        return
    parent = bundle.manifest.lineage.parent
    instead = f"golive export {parent} --to docker" if parent else "golive package or golive import, and export that"
    message = (
        f"{bundle.name} {bundle.digest} is run by the runtime 'compiled', which needs a C compiler where it serves, "
        f"and the image has none; export the bundle that it was made from: {instead}"
    )
    raise NotConvertibleError(message)


def requirements(bundle: Bundle, of_runtimes: Mapping[str, tuple[str, ...]] = OF_RUNTIMES) -> str:
    """Give the requirements file of an image, with the versions of this environment.

    Args:
        bundle: What the image is to serve.
        of_runtimes: Runtime -> the distributions that it takes besides the base ones.

    Raises:
        MissingExtraError: the bundle's runtime is not installed here, so its version is not known.
    """
    names = of_runtimes.get(bundle.manifest.runtime, ())
    try:
        more = pinned(names) if names else ""
    except PackageNotFoundError as error:
        extra = plugins.EXTRAS[bundle.manifest.runtime]
        message = (
            f"{bundle.name} is run by {bundle.manifest.runtime}, which is not installed here, so its version is not "
            f"known; pip install 'golive[{extra}]' brings it"
        )
        raise MissingExtraError(message) from error
    return "".join(sorted({*pinned().splitlines(keepends=True), *more.splitlines(keepends=True)}))
