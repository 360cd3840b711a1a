"""Source: a bundle's graph and preparation in, the text of a C99 header and of its source out."""

import re
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from golive.adapters.exports.c_source.elementwise import ELEMENTWISE
from golive.adapters.exports.c_source.graph import Rule, Walker, opened
from golive.adapters.exports.c_source.lookup import lookups
from golive.adapters.exports.c_source.moving import EXTRACTING, MOVING
from golive.adapters.exports.c_source.preparing import LONGEST, preparing
from golive.adapters.exports.c_source.program import Body, Program, Value
from golive.adapters.exports.c_source.sums import SUMS
from golive.adapters.exports.c_source.trees import TREES
from golive.adapters.exports.c_source.windows import WINDOWS
from golive.domain.bundle import Bundle, Manifest
from golive.errors import NotConvertibleError

MOST_BYTES = 8_000_000
"""The longest source that is written; compilers take a minute for this one."""
_PARAMETERS = "const double *numbers, const int64_t *codes, double *outputs"
MOST_WORK = 1 << 20
"""The most bytes of temporary arrays; they are on the stack."""

RULES: Mapping[tuple[str, str], Rule] = {
    **{("", name): rule for name, rule in (*ELEMENTWISE.items(), *MOVING.items(), *SUMS.items(), *WINDOWS.items())},
    **{("ai.onnx.ml", name): rule for name, rule in (*TREES.items(), *EXTRACTING.items())},
}
"""Domain and operator -> its rule."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What is written of a model."""

    name: str
    """What the names in C begin with, and the files."""
    header: str
    code: str
    work_bytes: int
    """Temporary arrays on the stack."""


def written(bundle: Bundle, graph: bytes, name: str) -> Source:
    """Write a graph of one row out.

    Raises:
        NotConvertibleError: an operator has no form in C, or the model is too big; the message says which or how big.
    """
    program = Program()
    manifest = bundle.manifest
    _write_graph(program, manifest, graph)
    body = program.finished()
    if body.work_bytes > MOST_WORK:
        message = (
            f"{bundle.name!r} needs {body.work_bytes:,} bytes of temporary arrays for one row, and C source here "
            f"stays below {MOST_WORK:,}, because they are on the stack; export it as onnx or ort"
        )
        raise NotConvertibleError(message)
    code = _code(body, bundle, name)
    if len(code) > MOST_BYTES:
        message = (
            f"{bundle.name!r} would be {len(code):,} bytes of C source, and {MOST_BYTES:,} are the most; make it "
            "smaller (golive optimize; fewer or shallower trees), or export it as onnx or ort"
        )
        raise NotConvertibleError(message)
    return Source(name=name, header=_header(bundle, name), code=code, work_bytes=body.work_bytes)


def c_name(text: str) -> str:
    """Make a name of C from a bundle's name."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII).lower()
    return name if name[:1].isalpha() else f"m{name}"


def comment(text: str) -> str:
    """Make a text safe inside of a comment."""
    return re.sub(r"[\x00-\x1f\x7f]", " ", text).replace("*/", "* /").replace("/*", "/ *")


def _write_graph(program: Program, manifest: Manifest, graph: bytes) -> None:
    model, opsets = opened(graph)
    preparation = manifest.preparation
    inputs = {
        "N": Value("numbers", (1, len(preparation.numbers)), "double"),
        "C": Value("codes", (1, len(preparation.categories)), "int64_t"),
    }
    given = {each.name: inputs[each.name] for each in model.input}
    answer = Walker(program, RULES, opsets).write(model, given)[0]
    program.say(f"for (int i = 0; i < {answer.size}; i++) outputs[i] = {program.element(answer, 'i')};", "return 0;")


def _header(bundle: Bundle, name: str) -> str:
    manifest, signature = bundle.manifest, bundle.signature
    preparation = manifest.preparation
    outputs = signature.classes or (signature.target,)
    big = name.upper()
    return f"""/* {comment(bundle.name)}: predicts {comment(signature.target)}.
   {bundle.digest} */
#ifndef {big}_H
#define {big}_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define {big}_INPUTS {len(signature.inputs)}
#define {big}_NUMBERS {len(preparation.numbers)}
#define {big}_CODES {len(preparation.categories)}
#define {big}_OUTPUTS {len(outputs)}

/* Answers one row.

   numbers, a missing one is NAN:
{_listed(preparation.numbers)}
   codes, from {name}_code:
{_listed(tuple(vocabulary.column for vocabulary in preparation.categories))}
   outputs, {"probabilities" if signature.classes else "the value"}:
{_listed(outputs)}
   Gives 0; or 1 where a number is infinite, or missing though the model needs it; or 2 where a code is none. Then
   outputs are as they were. It keeps nothing between calls: threads may call it at the same time. */
int {name}_predict({_PARAMETERS});

/* Gives the place of the output that wins (0 where there is one output only). */
int {name}_decide(const double *outputs);

/* Makes the numbers and codes of a row from its values, by the checks and the declared steps of the model. A text is in
   texts (UTF-8; NULL: missing), anything else in values (NAN: missing; a bool is 0 or 1), at its place:
{_listed(signature.names)}
   Gives 0; 1 where a number is infinite, or a value missing though the model needs it; 3 where a value is no date, or
   outside of the range that the model serves; 4 where this source cannot tell: a text outside of ASCII or of more than
   {LONGEST - 1} bytes that is to be normalized, or a date in an unusual form. */
int {name}_prepare(const double *values, const char *const *texts, double *numbers, int64_t *codes);

/* Gives the code of a category: of a text in UTF-8 (NULL: missing), or where a column holds numbers, of a number
   (NAN: missing; a bool is 0 or 1). column: its place among the codes above. */
int64_t {name}_code(int column, const char *text);
int64_t {name}_code_of_number(int column, double number);

#ifdef __cplusplus
}}
#endif

#endif
"""


def _listed(names: tuple[str, ...]) -> str:
    return "\n".join(f"     [{place}] {comment(name)}" for place, name in enumerate(names)) or "     none"


def _code(body: Body, bundle: Bundle, name: str) -> str:
    checks = _checks(bundle, name.upper()).finished()
    lines = "\n".join([*checks.lines, *body.lines])
    unused = "".join(f"    (void){each};\n" for each in ("numbers", "codes") if not re.search(rf"\b{each}\b", lines))
    return f"""/* Written by golive from {bundle.digest}; see {name}.h. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "{name}.h"

#ifdef __FAST_MATH__
#error "missing values are NAN, which -ffast-math does not keep; compile without it"
#endif
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD > 0
#error "intermediate results would have more digits than the model; compile with -msse2 -mfpmath=sse"
#endif

{_joined([*checks.tables, *body.tables, *body.helpers])}int {name}_predict({_PARAMETERS}) {{
{unused}{lines}
}}

{_decide(bundle, name)}
{lookups(bundle, name)}
{preparing(bundle, name)}"""


def _joined(parts: Sequence[str]) -> str:
    return "".join(f"{part}\n\n" for part in parts)


def _checks(bundle: Bundle, big: str) -> Program:
    """Write what a server refuses, too: infinite numbers, missing ones that the model needs, codes out of range."""
    checks = Program("c")
    preparation = bundle.manifest.preparation
    if preparation.numbers:
        needed = np.array([_is_needed(bundle, name) for name in preparation.numbers], np.int64)
        test = "isinf(numbers[i])"
        if needed.all():
            test += " || isnan(numbers[i])"
        elif needed.any():
            test += f" || ({checks.table(needed, 'unsigned char')}[i] && isnan(numbers[i]))"
        checks.say(f"for (int i = 0; i < {big}_NUMBERS; i++)", f"    if ({test}) return 1;")
    if preparation.categories:
        sizes = np.array([len(each.values) + 2 for each in preparation.categories], np.int64)
        table = checks.table(sizes, "int32_t")
        checks.say(
            f"for (int i = 0; i < {big}_CODES; i++)", f"    if (codes[i] < 0 || codes[i] >= {table}[i]) return 2;"
        )
    return checks


def _is_needed(bundle: Bundle, column: str) -> bool:
    """Say whether a number must be there: one that a caller sends as it is, in a field that may not be missing."""
    steps = bundle.manifest.preparation.steps
    if any(getattr(step, "column", "") == column for step in steps):
        return False
    return any(field.name == column and not field.nullable for field in bundle.signature.inputs)


def _decide(bundle: Bundle, name: str) -> str:
    classes = len(bundle.signature.classes)
    if classes == 2:  # noqa: PLR2004 (of two classes, a threshold decides)
        line = f"    return outputs[1] > {bundle.manifest.decision.threshold!r};"
    elif classes:
        line = (
            "    int best = 0;\n"
            f"    for (int i = 1; i < {classes}; i++)\n        if (outputs[i] > outputs[best]) best = i;\n"
            "    return best;"
        )
    else:
        line = "    (void)outputs;\n    return 0;"
    return f"int {name}_decide(const double *outputs) {{\n{line}\n}}\n"
