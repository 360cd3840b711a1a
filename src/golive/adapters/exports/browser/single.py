"""Browser single: the files of a page in, one file out that a browser opens without a server.

A browser loads no module and no data from beside a ``file:`` page. So the scripts become ``data:`` addresses under
names of an import map, and everything else stands packed inside the markup.
"""

import gzip
import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping

import msgspec

_BESIDE = re.compile(rb'(from |import )"\./([a-z_]+\.js)"')
_RUNTIME = re.compile(rb'import\("\.\./(ort/[a-z.]+\.js)"\)')
_STYLE = '<link rel="stylesheet" href="page/style.css">'
_SCRIPT = '<script type="module" src="page/app.js"></script>'
_RULES = re.compile(r'(http-equiv="Content-Security-Policy" content=")[^"]*')
_FIRST = 'import "golive/app.js"'


def one_file(parts: Mapping[str, bytes]) -> bytes:
    """Put the files of a page, by path, into its ``index.html``."""
    modules = {name: content for name, content in parts.items() if name.endswith(".js")}
    packed = {name: parts[name] for name in parts if name.endswith((".json", ".onnx", ".wasm"))}
    style = parts["page/style.css"].decode()
    names = msgspec.json.encode({"imports": {_known_as(name): _address(modules[name]) for name in modules}}).decode()
    page = parts["index.html"].decode()
    page = page.replace(_STYLE, f"<style>{style}</style>")
    page = page.replace(_SCRIPT, f'<script type="importmap">{names}</script>\n<script type="module">{_FIRST}</script>')
    page = _RULES.sub(lambda found: found[1] + _rules(style, names), page)
    inside = "\n".join(_inside(name, content) for name, content in packed.items())
    return page.replace("</body>", f"{inside}\n</body>").encode()


def _known_as(name: str) -> str:
    return f"golive/{name.removeprefix('page/')}"


def _address(script: bytes) -> str:
    named = _BESIDE.sub(rb'\1"golive/\2"', script)
    named = _RUNTIME.sub(rb'import("golive/\1")', named)
    return f"data:text/javascript;base64,{b64encode(named).decode()}"


def _rules(style: str, names: str) -> str:
    """Let the page run its own scripts and reach nothing else."""
    scripts = f"{_digest(names)} {_digest(_FIRST)} data: 'wasm-unsafe-eval'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src {_digest(style)}; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _inside(name: str, content: bytes) -> str:
    text = b64encode(gzip.compress(content, mtime=0)).decode()
    return f'<script type="application/octet-stream" data-part="{name}">{text}</script>'
