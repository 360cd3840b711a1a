"""What SageMaker's encoders and decoders make of ``/invocations``; see ``told`` in ``tests/support/venvs.py``."""

import json
import sys
import urllib.error
import urllib.request

from sagemaker_inference import content_types, decoder, encoder

WAIT_S = 20
FORMS = {"json": content_types.JSON, "csv": content_types.CSV, "npy": content_types.NPY}


def posted(url, body, sent, accepted):
    headers = {"Content-Type": sent, "Accept": accepted}
    asked = urllib.request.Request(f"{url}/invocations", data=body, headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=WAIT_S) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers.get_content_type(), refused.read().decode()


def body_of(rows, form):
    encoded = encoder.encode(rows, form)
    return encoded if isinstance(encoded, bytes) else encoded.encode()


def main(told):
    url, rows = told["url"], told["flowers"]
    with urllib.request.urlopen(f"{url}/ping", timeout=WAIT_S) as answer:
        seen = {"ping": answer.status}
    for sent in ("json", "csv", "npy"):
        body = body_of(rows, FORMS[sent])
        status, kind, text = posted(url, body, FORMS[sent], content_types.CSV)
        read = decoder._csv_to_numpy(text, dtype=None) if kind == content_types.CSV else None
        seen[f"{sent} for csv"] = [status, kind, None if read is None else [str(label) for label in read]]
        status, kind, text = posted(url, body, FORMS[sent], content_types.JSON)
        seen[f"{sent} for json"] = [status, kind, decoder.decode(text, content_types.JSON).item()]
    return seen


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
