"""A bundle as optimizing leaves it where another runtime was the best: the same graph, and the name of that runtime."""

import msgspec


def rewritten(handle, runtime):
    """Write a bundle once more, to be run by another runtime; gives its digest."""
    rooms, bundle = handle._rooms, handle.bundle
    manifest = msgspec.structs.replace(bundle.manifest, runtime=runtime)
    return rooms.bundles.write(manifest, rooms.bundles.files(bundle), created_at=rooms.now()).digest
