"""Check: the program that asks the compiled model for known rows, before and after preparation, and compares."""

import math
from typing import Any

import numpy as np

from golive.adapters.exports.c_source.literals import number, table, text
from golive.adapters.exports.companions.parity import Checked
from golive.domain.bundle import Bundle


def check_of(bundle: Bundle, name: str, checked: Checked, tolerance: float) -> str:
    """Write the program. It leaves with 1 where an answer is further away than the tolerance, or decides otherwise."""
    divided = " / fmax(1.0, fabs(row[j]))" if bundle.signature.task == "regression" else ""
    return "".join(
        (
            _head(name),
            _tables(checked, len(bundle.signature.inputs)),
            _preparing(name, checked),
            _asking(name, checked, number(tolerance, "double"), divided),
        )
    )


def _head(name: str) -> str:
    return f"""/* Asks {name}.c for rows whose answers are known; leaves with 1 where it answers otherwise. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "{name}.h"

"""


def _tables(checked: Checked, inputs: int) -> str:
    """Write the rows, what they are prepared to, and what is to be answered."""
    values = np.array([_value(value) for row in checked.rows for value in row.values()], np.float64)
    texts = [text(value) if isinstance(value, str) else "0" for row in checked.rows for value in row.values()]
    tables = [
        table("values", values, "double"),
        f"static const char *const texts[{len(checked.rows) * inputs}] = {{\n{_lines(texts, inputs)}}};",
        *([table("numbers", checked.numbers, "double")] if checked.numbers.size else []),
        *([table("codes", checked.codes, "int64_t")] if checked.codes.size else []),
        table("wanted", checked.answers, "double"),
    ]
    return "\n\n".join(tables)


def _preparing(name: str, checked: Checked) -> str:
    """Write what compares a row before preparation; a model without numbers, or without codes, has none to compare."""
    big = name.upper()
    numbers = (
        f"for (int j = 0; j < {big}_NUMBERS; j++) same = same && alike(given[j], numbers[i * {big}_NUMBERS + j]);"
        if checked.numbers.size
        else ""
    )
    codes = (
        f"for (int j = 0; j < {big}_CODES; j++) same = same && coded[j] == codes[i * {big}_CODES + j];"
        if checked.codes.size
        else ""
    )
    return f"""

static int alike(double a, double b) {{ return a == b || (isnan(a) && isnan(b)); }}

/* Says of one row before preparation: 0: it is prepared as golive does; 4: this source cannot; 1: otherwise. */
static int unlike(int i) {{
    double given[{big}_NUMBERS + 1];
    int64_t coded[{big}_CODES + 1];
    int same = 1;
    const int refused = {name}_prepare(values + i * {big}_INPUTS, texts + i * {big}_INPUTS, given, coded);
    if (refused) return refused == 4 ? 4 : 1;
    {numbers}
    {codes}
    return !same;
}}
"""


def _asking(name: str, checked: Checked, tolerance: str, divided: str) -> str:
    """Write the main program: every row is asked about, and the worst is told."""
    big, count = name.upper(), len(checked.rows)
    numbers = f"numbers + i * {big}_NUMBERS" if checked.numbers.size else "0"
    codes = f"codes + i * {big}_CODES" if checked.codes.size else "0"
    return f"""
int main(int count, char **words) {{
    const double tolerance = count > 1 ? atof(words[1]) : {tolerance};
    double greatest = 0.0;
    int worst = 0, flipped = 0, unprepared = 0;
    for (int i = 0; i < {count}; i++) {{
        double got[{big}_OUTPUTS];
        const double *row = wanted + i * {big}_OUTPUTS;
        const int before = unlike(i), refused = {name}_predict({numbers}, {codes}, got);
        unprepared += before == 4;
        if (refused || (before && before != 4)) {{
            printf("row %d of parity.json is %s\\n", i, refused ? "refused" : "prepared otherwise");
            return 1;
        }}
        for (int j = 0; j < {big}_OUTPUTS; j++) {{
            const double apart = alike(row[j], got[j]) ? 0.0 : fabs(row[j] - got[j]){divided};
            if (!(apart <= greatest)) {{
                greatest = apart;
                worst = i;
            }}
        }}
        flipped += {name}_decide(row) != {name}_decide(got);
    }}
    printf("{count} rows: the greatest difference is %.3g, %d decisions differ", greatest, flipped);
    if (unprepared) printf("; %d rows have texts that only Unicode tables prepare", unprepared);
    printf("\\n");
    if (greatest <= tolerance && !flipped) return 0;
    printf("the worst is row %d of parity.json\\n", worst);
    return 1;
}}
"""


def _value(value: Any) -> float:
    return math.nan if value is None or isinstance(value, str) else float(value)


def _lines(items: list[str], width: int) -> str:
    rows = (items[start : start + width] for start in range(0, len(items), width))
    return "".join(f"    {', '.join(row)},\n" for row in rows)
