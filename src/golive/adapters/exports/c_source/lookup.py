"""Lookup: the known values of category columns as sorted tables of C, and the functions that find a code in them."""

import numpy as np

from golive.adapters.exports.c_source.literals import table, texts
from golive.adapters.exports.companions.described import described
from golive.domain.bundle import Bundle
from golive.inference.values import text_of

_BOOLS = {"true": 1.0, "false": 0.0}


def lookups(bundle: Bundle, name: str) -> str:
    """Write ``NAME_code`` and ``NAME_code_of_number`` with their tables."""
    columns = described(bundle)["categories"]
    return _of_texts(columns, name) + "\n" + _of_numbers(columns, name)


def _of_texts(columns: list[dict[str, object]], name: str) -> str:
    tables, cases = "", ""
    for place, column in enumerate(columns):
        values = [str(value) for value in column["values"]]  # type: ignore[attr-defined]
        # A text of C ends at its first zero.
        whole = [code for code, value in enumerate(values) if "\0" not in value]
        order = sorted(whole, key=lambda code, values=values: values[code].encode())  # type: ignore[misc]
        found = f"find_text(text, 0, 0, 0, {len(values)})"
        if values:
            written = texts(values[code] for code in order)
            tables += f"static const char *const texts{place}[{len(values)}] = {{\n{written}}};\n\n"
            tables += table(f"codes{place}", np.array(order, np.int64), "int32_t") + "\n\n"
            found = f"find_text(text, texts{place}, codes{place}, {len(values)}, {len(values)})"
        cases += f"    case {place}: return {found};\n"
    if not columns:
        return f"""int64_t {name}_code(int column, const char *text) {{
    (void)column;
    (void)text;
    return -1;
}}
"""
    return f"""{tables}/* The code of a text among known ones, sorted by bytes; then come "unseen" and "missing". */
static int64_t find_text(const char *text, const char *const *known, const int32_t *code, int count, int unseen) {{
    int from = 0, to = count;
    if (!text) return unseen + 1;
    while (from < to) {{
        const int middle = from + (to - from) / 2;
        const int order = strcmp(known[middle], text);
        if (order == 0) return code[middle];
        if (order < 0) from = middle + 1;
        else to = middle;
    }}
    return unseen;
}}

int64_t {name}_code(int column, const char *text) {{
    switch (column) {{
{cases}    default: return -1;
    }}
}}
"""


def _of_numbers(columns: list[dict[str, object]], name: str) -> str:
    tables, cases = "", ""
    for place, column in enumerate(columns):
        if column["from"] == "text":
            continue
        values = [str(value) for value in column["values"]]  # type: ignore[attr-defined]
        known = [(code, number) for code, value in enumerate(values) if (number := _number(value, column)) is not None]
        found = f"isnan(number) ? {len(values) + 1} : {len(values)}"
        if known:
            tables += table(f"numbers{place}", np.array([number for _, number in known]), "double") + "\n\n"
            tables += (
                table(f"codes_of_numbers{place}", np.array([code for code, _ in known], np.int64), "int32_t") + "\n\n"
            )
            found = f"find_number(number, numbers{place}, codes_of_numbers{place}, {len(known)}, {len(values)})"
        cases += f"    case {place}: return {found};\n"
    finder = """/* The code of a number among known ones; then come "unseen" and "missing". */
static int64_t find_number(double number, const double *known, const int32_t *code, int count, int unseen) {
    if (isnan(number)) return unseen + 1;
    for (int i = 0; i < count; i++)
        if (known[i] == number) return code[i];
    return unseen;
}

"""
    unused = "" if "number" in cases else "    (void)number;\n"
    return f"""{tables}{finder if tables else ""}int64_t {name}_code_of_number(int column, double number) {{
{unused}    switch (column) {{
{cases}    default: return -1;
    }}
}}
"""


def _number(value: str, column: dict[str, object]) -> float | None:
    """Give the number whose text a known value is; None where no number is written like that."""
    if column["from"] == "bool" and value in _BOOLS:
        return _BOOLS[value]
    try:
        number = float(value)
    except ValueError:
        return None
    if column["from"] == "bool" and number in _BOOLS.values():
        return None
    return number if text_of(number) == value else None
