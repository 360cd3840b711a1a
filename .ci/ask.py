"""Ask a running golive server one prediction with the example of its own API page, as a client would."""

import json
import sys
import urllib.request

url, name = sys.argv[1:]
with urllib.request.urlopen(f"{url}/openapi.json") as answer:  # noqa: S310 - a loopback address
    page = json.load(answer)
operation = page["paths"][f"/v1/models/{name}:predict"]["post"]
body = json.dumps(operation["requestBody"]["content"]["application/json"]["example"]).encode()
request = urllib.request.Request(  # noqa: S310
    f"{url}/v1/models/{name}:predict", body, {"Content-Type": "application/json"}
)
with urllib.request.urlopen(request) as answer:  # noqa: S310
    predictions = json.load(answer)["predictions"]
if not (isinstance(predictions, list) and len(predictions) >= 1):
    sys.exit(f"no prediction came back: {predictions!r}")
print(f"{name} answers {predictions[0]}")
