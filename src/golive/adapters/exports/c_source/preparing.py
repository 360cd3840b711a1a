"""Preparing: the checks, the declared steps and the codes of one row, as a function of C.

It gives the numbers and codes that golive gives, or says that it cannot: normalizing a text outside of ASCII takes
the tables of Unicode, and dates are read in their usual forms only.
"""

import re
from collections.abc import Mapping

from golive.adapters.exports.c_source.literals import number, text
from golive.domain.bundle import Bundle
from golive.domain.preparation import Bound, Combine, DateParts, DeclaredStep, Normalize, Recode, TextCounts
from golive.inference.scalars import missing_numbers, missing_texts, normalized

LONGEST = 1024
"""The bytes that a text may have where it is normalized, with its end."""

_PARTS = ("year", "month", "day", "weekday", "hour", "dayofyear", "days")
_HELPERS = {
    "blank": r"""/* The bytes of the blank that a text begins with; 0: it begins with another character. */
static int blank(const char *text) {
    const unsigned char *p = (const unsigned char *)text;
    if ((p[0] >= 9 && p[0] <= 13) || (p[0] >= 28 && p[0] <= 32)) return 1;
    if (p[0] == 0xC2) return p[1] == 0x85 || p[1] == 0xA0 ? 2 : 0;
    if (p[0] == 0xE1) return p[1] == 0x9A && p[2] == 0x80 ? 3 : 0;
    if (p[0] == 0xE3) return p[1] == 0x80 && p[2] == 0x80 ? 3 : 0;
    if (p[0] != 0xE2) return 0;
    if (p[1] == 0x81) return p[2] == 0x9F ? 3 : 0;
    if (p[1] != 0x80) return 0;
    return (p[2] >= 0x80 && p[2] <= 0x8A) || p[2] == 0xA8 || p[2] == 0xA9 || p[2] == 0xAF ? 3 : 0;
}""",
    "trimmed": r"""/* Trims a text, makes runs of blanks one, maybe small; 0 where it is not ASCII or too long. */
static int trimmed(const char *text, char *made, int small) {
    int length = 0, gap = 0;
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c >= 128) return 0;
        if (blank(text)) {
            gap = length > 0;
            continue;
        }
        if (length + gap + 1 >= TEXT_BYTES) return 0;
        if (gap) made[length++] = ' ';
        made[length++] = (char)(small && c >= 'A' && c <= 'Z' ? c + 32 : c);
        gap = 0;
    }
    made[length] = 0;
    return 1;
}""",
    "counted": r"""/* Counts characters and words. */
static void counted(const char *text, double *characters, double *words) {
    int inside = 0;
    *characters = *words = 0.0;
    while (*text) {
        const int width = blank(text);
        if (width) {
            inside = 0;
            *characters += 1.0;
            text += width;
            continue;
        }
        *characters += ((unsigned char)*text & 0xC0) != 0x80;
        *words += !inside;
        inside = 1;
        text++;
    }
}""",
    "digits": r"""/* Reads that many digits; -1 where there are others. */
static int digits(const char *text, int count) {
    int made = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') return -1;
        made = made * 10 + (text[i] - '0');
    }
    return made;
}""",
    "day_of": r"""/* The days from 1970-01-01 to a date. */
static int day_of(int year, int month, int day) {
    static const int before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    const int leap = month > 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    const int past = year - 1;
    return past * 365 + past / 4 - past / 100 + past / 400 + before[month - 1] + leap + day - 719163;
}""",
    "date": r"""/* Reads 2011-07-25 or 2011-07-25T13:00, ...:30, ...:30.5, with Z, +02:00 or nothing after it, into
   year, month, day, weekday, hour, day of the year and days since 1970. 0; 3: no such day; 4: another form. */
static int date(const char *text, double *parts) {
    static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int hour = 0, minute = 0, second = 0, micro = 0, offset = 0, leap, day_number;
    int year = digits(text, 4), month, day;
    if (year < 0 || text[4] != '-') return 4;
    month = digits(text + 5, 2);
    if (month < 0 || text[7] != '-') return 4;
    day = digits(text + 8, 2);
    if (day < 0) return 4;
    leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > lengths[month - 1] + (leap && month == 2)) return 3;
    text += 10;
    if (*text) {
        if (*text != 'T' && *text != ' ') return 4;
        hour = digits(text + 1, 2);
        if (hour < 0 || text[3] != ':') return 4;
        minute = digits(text + 4, 2);
        if (minute < 0) return 4;
        text += 6;
        if (*text == ':') {
            second = digits(text + 1, 2);
            if (second < 0) return 4;
            text += 3;
            if (*text == '.') {
                int places = 100000, count = 0;
                for (text++; *text >= '0' && *text <= '9'; text++, count++, places /= 10)
                    micro += places * (*text - '0');
                if (count == 0) return 4;
            }
        }
        if (hour > 23 || minute > 59 || second > 59) return 3;
        if (*text == 'Z') text++;
        else if (*text == '+' || *text == '-') {
            const int sign = *text == '+' ? 1 : -1, hours = digits(text + 1, 2);
            const int minutes = hours < 0 || text[3] != ':' ? -1 : digits(text + 4, 2);
            if (minutes < 0) return 4;
            if (hours > 23 || minutes > 59) return 3;
            offset = sign * (hours * 60 + minutes);
            text += 6;
        }
        if (*text) return 4;
    }
    day_number = day_of(year, month, day);
    minute += hour * 60 - offset;
    if (minute < 0) minute += 1440, day_number--;
    if (minute >= 1440) minute -= 1440, day_number++;
    if (day_number < -719162 || day_number > 2932896) return 3;
    while (day_of(year, 1, 1) > day_number) year--;
    while (year < 9999 && day_of(year + 1, 1, 1) <= day_number) year++;
    for (month = 12; day_of(year, month, 1) > day_number; month--) continue;
    parts[0] = year;
    parts[1] = month;
    parts[2] = day_number - day_of(year, month, 1) + 1;
    parts[3] = (day_number + 719162) % 7;
    parts[4] = minute / 60;
    parts[5] = day_number - day_of(year, 1, 1) + 1;
    parts[6] = day_number + (minute * 60 + second + micro / 1e6) / 86400;
    return 0;
}""",
    "finite": "static double finite(double a) { return isfinite(a) ? a : NAN; }",
}
"""Functions in the order in which they need one another."""


def preparing(bundle: Bundle, name: str) -> str:
    """Write ``NAME_prepare`` with the functions that it calls."""
    lines = _Row(bundle, name).written()
    parameters = "const double *values, const char *const *texts, double *numbers, int64_t *codes"
    body = "\n".join(f"    {line}" for line in lines)
    unused = "".join(
        f"    (void){each};\n"
        for each in ("values", "texts", "numbers", "codes")
        if not re.search(rf"\b{each}\[", body)
    )
    function = f"int {name}_prepare({parameters}) {{\n{unused}{body}\n    return 0;\n}}\n"
    helpers = ""
    for helper, code in reversed(_HELPERS.items()):
        if re.search(rf"\b{helper}\(", function + helpers):
            helpers = f"{code}\n\n{helpers}"
    limit = f"#define TEXT_BYTES {LONGEST}\n\n" if "TEXT_BYTES" in helpers + function else ""
    return limit + helpers + function


class _Row:
    """The statements that carry one row through; columns become variables."""

    def __init__(self, bundle: Bundle, name: str) -> None:
        self._bundle, self._name = bundle, name
        self._places: dict[str, str] = {}
        self._texts: set[str] = set()
        self._lines: list[str] = []

    def written(self) -> list[str]:
        """Give the statements."""
        preparation = self._bundle.manifest.preparation
        for place, field in enumerate(self._bundle.signature.inputs):
            is_text = field.dtype == "string"
            self._new(field.name, f"texts[{place}]" if is_text else f"values[{place}]", is_text=is_text)
            self._checked(self._places[field.name], is_text=is_text, nullable=field.nullable)
        for step in preparation.steps:
            self._step(step)
        for place, column in enumerate(preparation.numbers):
            self._lines.append(f"numbers[{place}] = {self._places[column]};")
        for place, vocabulary in enumerate(preparation.categories):
            function = "code" if vocabulary.column in self._texts else "code_of_number"
            self._lines.append(f"codes[{place}] = {self._name}_{function}({place}, {self._places[vocabulary.column]});")
        read = "\n".join(self._lines)
        return [line for line in self._lines if not self._is_idle(line, read)]

    def _is_idle(self, line: str, read: str) -> bool:
        """Say whether a line declares a variable that nothing reads."""
        found = re.match(r"(?:double|const char \*)\s?(\w+) = ", line)
        return found is not None and len(re.findall(rf"\b{found[1]}\b", read)) == 1

    def _new(self, column: str, value: str, *, is_text: bool) -> None:
        if column in self._places:
            self._lines.append(f"{self._places[column]} = {value};")
            return
        self._places[column] = f"{'t' if is_text else 'v'}{len(self._places)}"
        if is_text:
            self._texts.add(column)
        self._lines.append(f"{'const char *' if is_text else 'double '}{self._places[column]} = {value};")

    def _checked(self, variable: str, *, is_text: bool, nullable: bool) -> None:
        tests = [] if is_text else [f"isinf({variable})"]
        if not nullable:
            tests.append(f"!{variable}" if is_text else f"isnan({variable})")
        if tests:
            self._lines.append(f"if ({' || '.join(tests)}) return 1;")

    def _step(self, step: DeclaredStep) -> None:
        match step:
            case Normalize():
                self._normalize(step)
            case Recode():
                self._recode(step)
            case Bound():
                self._bound(step)
            case DateParts():
                self._date(step)
            case TextCounts():
                self._count(step)
            case Combine():
                self._new(step.into, _combined(step, self._places), is_text=False)

    def _normalize(self, step: Normalize) -> None:
        variable, buffer = self._places[step.column], f"made{len(self._lines)}"
        known = self._known(step)
        small = int(step.lower)
        self._lines += [
            f"char {buffer}[TEXT_BYTES];",
            f"if ({variable} && trimmed({variable}, {buffer}, {small})) {variable} = {buffer};",
            f"else if ({variable}{known}) return 4;",
        ]
        if step.empty_is_missing:
            self._lines.append(f"if ({variable} && !*{variable}) {variable} = 0;")

    def _known(self, step: Normalize) -> str:
        """Give the test that a text is not a known one outside of ASCII, which are in their final form already."""
        for place, vocabulary in enumerate(self._bundle.manifest.preparation.categories):
            wide = [value for value in vocabulary.values if not value.isascii()]
            if vocabulary.column == step.column and wide and all(normalized(step, value) == value for value in wide):
                # Known texts in ASCII went the other way, or are too long for it.
                variable = self._places[step.column]
                return f" && {self._name}_code({place}, {variable}) >= {len(vocabulary.values)}"
        return ""

    def _recode(self, step: Recode) -> None:
        variable = self._places[step.column]
        if step.column in self._texts:
            tests = [f"!strcmp({variable}, {text(each)})" for each in sorted(missing_texts(step))]
            line = f"if ({variable} && ({' || '.join(tests)})) {variable} = 0;"
        else:
            tests = [f"{variable} == {number(each, 'double')}" for each in sorted(missing_numbers(step))]
            line = f"if ({' || '.join(tests)}) {variable} = NAN;"
        if tests:
            self._lines.append(line)

    def _bound(self, step: Bound) -> None:
        variable = self._places[step.column]
        for limit, sign in ((step.minimum, "<"), (step.maximum, ">")):
            if limit is None:
                continue
            written = number(limit, "double")
            act = {
                "missing": f"{variable} = NAN;",
                "clip": f"{variable} = {written};",
                "refuse": "return 3;",
            }[step.outside]
            self._lines.append(f"if ({variable} {sign} {written}) {act}")

    def _date(self, step: DateParts) -> None:
        parts = f"parts{len(self._lines)}"
        variable = self._places[step.column]
        self._lines += [
            f"double {parts}[7] = {{NAN, NAN, NAN, NAN, NAN, NAN, NAN}};",
            f"if ({variable}) {{",
            f"    const int refused = date({variable}, {parts});",
            "    if (refused) return refused;",
            "}",
        ]
        for part in step.parts:
            self._new(f"{step.column}_{part}", f"{parts}[{_PARTS.index(part)}]", is_text=False)

    def _count(self, step: TextCounts) -> None:
        names = [f"{step.column}_{what}" for what in ("chars", "words")]
        for name in names:
            self._new(name, "NAN", is_text=False)
        variable = self._places[step.column]
        self._lines.append(
            f"if ({variable}) counted({variable}, &{self._places[names[0]]}, &{self._places[names[1]]});"
        )


def _combined(step: Combine, places: Mapping[str, str]) -> str:
    """Give the expression of a combination; what is not finite is missing."""
    operands = [places[column] for column in step.columns]
    first, last = operands[0], operands[-1]
    return {
        "sum": f"finite({' + '.join(operands)})",
        "product": f"finite({' * '.join(operands)})",
        "difference": f"finite({first} - {last})",
        "ratio": f"{last} != 0.0 ? finite({first} / {last}) : NAN",
        "square": f"finite({first} * {first})",
        "log1p": f"{first} > -1.0 ? log1p({first}) : NAN",
        "absolute": f"fabs({first})",
    }[step.operation]
