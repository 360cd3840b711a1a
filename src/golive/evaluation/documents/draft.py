"""Draft: a document in the making: what is known, the words of its language, and the figures that it has used."""

from collections.abc import Mapping

import msgspec

from golive.evaluation.documents.known import Known
from golive.evaluation.documents.markdown import Markdown, bold, escape
from golive.evaluation.documents.trace import Trace
from golive.evaluation.documents.words import annex, assessment, shared
from golive.evaluation.documents.words import card as card_words
from golive.evaluation.pages.phrases import LANGUAGES, Language, Say, phrases

WORDS: Mapping[str, tuple[str, str]] = {**shared.WORDS, **card_words.WORDS, **annex.WORDS, **assessment.WORDS}
"""Every text of the documents, in English and Chinese; beside them stand those of the report."""


class Draft(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What the parts of a document are written with."""

    known: Known
    language: Language
    trace: Trace
    say: Say
    """Texts of the report, such as the names of metrics; they are no Markdown yet."""
    beside: Language | None = None
    """A second language, for headings."""

    def tell(self, key: str, /, **values: object) -> Markdown:
        """Write a sentence; what it is filled with is made harmless."""
        return _filled(key, self.language, values)

    def title(self, key: str, /, **values: object) -> Markdown:
        """Write a heading, in both languages where there are two."""
        languages = dict.fromkeys((self.language, self.beside or self.language))
        return Markdown(" / ".join(_filled(key, language, values) for language in languages))

    def label(self, name: str) -> Markdown:
        """Name a measure: in words where there are any, and as rules say it where not."""
        said = self.say(f"metric.{name}")
        return escape(said if said != name else name)

    def gap(self, key: str) -> Markdown:
        """Mark what golive cannot know, so that a person fills it in."""
        return bold(self.tell("gap", what=self.tell(f"gap.{key}")))


def draft_of(known: Known, language: Language, *, beside: Language | None = None) -> Draft:
    """Begin a document; ``beside`` is a second language, for headings.

    Raises:
        UsageError: there is no text in that language.
    """
    return Draft(known=known, language=language, trace=Trace(known), say=phrases(language), beside=beside)


def minute(at: str) -> str:
    """Write a time for people; the list of sources has it whole."""
    return f"{at[:10]} {at[11:16]} UTC" if at.endswith(("Z", "+00:00")) else at


def _filled(key: str, language: Language, values: Mapping[str, object]) -> Markdown:
    template = WORDS[key][LANGUAGES.index(language)]
    return Markdown(template.format(**{name: escape(value) for name, value in values.items()}))
