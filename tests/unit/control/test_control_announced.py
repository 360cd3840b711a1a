"""The parts of an evaluation say that they begin, so that who waits knows what for."""

from golive.control.judging.announced import announced
from golive.evaluation.sections import SECTIONS
from golive.evaluation.subject import Section


def test_every_part_says_what_it_looks_at_before_it_begins():
    events = []

    def part(name):
        return lambda subject: events.append((name, subject)) or Section(details={"of": name})

    parts = announced({name: part(name) for name in ("robustness", "of_a_plugin")}, lambda *told: events.append(told))
    assert [made("the subject").details for made in parts.values()] == [{"of": "robustness"}, {"of": "of_a_plugin"}]
    assert events == [
        (0, 2, "evaluate: what worse inputs do"),
        ("robustness", "the subject"),
        (1, 2, "evaluate: of_a_plugin"),
        ("of_a_plugin", "the subject"),
    ]


def test_every_part_that_there_is_has_words_of_its_own():
    told = []
    quiet = dict.fromkeys((*SECTIONS, "reweighting", "learning_curve"), lambda _: Section())
    for part in announced(quiet, lambda _done, _total, text: told.append(text.removeprefix("evaluate: "))).values():
        part(None)
    assert not set(told) & set(quiet)
