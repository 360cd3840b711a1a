"""For every test process."""

from golive.settings import forbid_telemetry


def pytest_configure() -> None:
    """Some tests import ONNX Runtime by themselves; it reports to nobody there either."""
    forbid_telemetry()
