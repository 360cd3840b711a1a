"""Export ``c``: a small model as C99 that needs no library but libm."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from golive.adapters.exports.c_source.check import check_of
from golive.adapters.exports.c_source.literals import number, text
from golive.adapters.exports.c_source.source import Source, c_name, written
from golive.adapters.exports.companions.described import model_json
from golive.adapters.exports.companions.parity import checked_rows, parity_json
from golive.adapters.exports.companions.precision import tolerance_of
from golive.adapters.exports.companions.refusing import ALL_BUT_TEXTS, check_carried
from golive.adapters.exports.context import checked_options, write_all
from golive.domain.bundle import Bundle
from golive.errors import UsageError


class CExport:
    """Writes ``NAME.h``, ``NAME.c``, ``NAME_check.c`` with rows compiled in, what all exports have, and a README."""

    name = "c"

    def write(
        self, bundle: Bundle, files: Mapping[str, bytes], folder: Path, options: Mapping[str, str]
    ) -> tuple[Path, ...]:
        """Write the source. Option: ``name``, what the functions' names begin with; the bundle's name if not given.

        Raises:
            NotConvertibleError: the bundle reads tensors or texts, an operator has no form in C, or it is too big.
            UsageError: the name is none of C.
        """
        given = checked_options(options, "name")
        check_carried(bundle, "C source", tensors=False, steps=ALL_BUT_TEXTS)
        name = given.get("name", c_name(bundle.name))
        if name != c_name(name):
            message = f"option name={name!r} is no name of C in small letters; {c_name(name)!r} would be"
            raise UsageError(message)
        source = written(bundle, files[bundle.manifest.graph], name)
        checked = checked_rows(bundle, files)
        content = {
            f"{name}.h": source.header,
            f"{name}.c": source.code,
            f"{name}_check.c": check_of(bundle, name, checked, tolerance_of(files[bundle.manifest.graph])),
            "README.md": _readme(bundle, source, checked.rows[0]),
        }
        encoded = {path: lines.encode() for path, lines in content.items()}
        told = {"model.json": model_json(bundle), "parity.json": parity_json(bundle, files)}
        return write_all(folder, {**encoded, **told})


def _readme(bundle: Bundle, source: Source, example: Mapping[str, Any]) -> str:
    name, big = source.name, source.name.upper()
    signature = bundle.signature
    filled = "".join(
        f"    texts[{place}] = {text(example[field.name])};\n"
        if field.dtype == "string"
        else f"    values[{place}] = {number(float(example[field.name]), 'double')};\n"
        for place, field in enumerate(signature.inputs)
        if example[field.name] is not None
    )
    return f"""# {bundle.name} as C source

`{name}.c` predicts {bundle.signature.target} ({bundle.digest}). It is C99 and needs libm only; a call takes
{source.work_bytes:,} bytes of stack and no other memory.

```
cc -O2 -std=c99 -ffp-contract=off -o check {name}_check.c {name}.c -lm
./check
```

`check` has rows with golive's own answers compiled in and leaves with 1 where this machine answers otherwise.

```c
#include <math.h>
#include <stdio.h>
#include "{name}.h"

int main(void) {{
    double values[{big}_INPUTS] = {{0}}, numbers[{big}_NUMBERS + 1], outputs[{big}_OUTPUTS];
    const char *texts[{big}_INPUTS] = {{0}};
    int64_t codes[{big}_CODES + 1];
{filled}    int refused = {name}_prepare(values, texts, numbers, codes);
    if (!refused) refused = {name}_predict(numbers, codes, outputs);
    if (refused) printf("refused with %d\\n", refused);
    else printf("%.17g, the winner is %d\\n", outputs[0], {name}_decide(outputs));
    return 0;
}}
```

`{name}.h` lists the inputs, numbers, codes and outputs in order, and says what a refusal means. `{name}_prepare` may
refuse with 4 what a server takes: where a text is to be normalized that is not in ASCII, or a date has an unusual form.

Compile without `-ffast-math`. `-ffp-contract=off` keeps compilers from joining a product and a sum into one operation,
which would change last digits.
"""
