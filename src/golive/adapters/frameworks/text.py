"""Text: the rules of scikit-learn's vectorizers: bags of words, tf-idf, hashed words, of words or of characters.

They become declared steps (``TextTerms``), which the front takes with Python's own ``re`` and ``str``, as scikit-learn
does. A user's own functions (``tokenizer``, ``preprocessor``, a callable ``analyzer``) are code, and refused.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import numpy as np

from golive.adapters.frameworks.emitter import Emitter, Flow, FlowRule
from golive.adapters.frameworks.graph import Block
from golive.adapters.frameworks.inputs import Columns
from golive.adapters.frameworks.terms import TermGraph
from golive.domain.preparation import TextTerms, Tokens
from golive.errors import UsageError
from golive.inference.text import MOST_CHARACTERS, cutter

CHARACTERS = 100_000
"""So long may a text be where tokens stand alone; runs of n of them make n times the work."""
OWN_WAYS = ("build_analyzer", "build_preprocessor", "build_tokenizer", "decode", "get_stop_words", "fit_transform")
"""Methods that decide how a text is cut: a subclass with one of its own is refused."""
_PRESENCE: dict[str, Any] = {"binary": True, "sublinear": False, "idf": b"", "norm": ""}
_ACCENTS: dict[str | None, Literal["keep", "ascii", "unicode"]] = {None: "keep", "ascii": "ascii", "unicode": "unicode"}


def counted(emitter: Emitter, part: Any, flow: Flow) -> Block:
    """Write CountVectorizer or TfidfVectorizer."""
    terms = sorted(part.vocabulary_, key=part.vocabulary_.__getitem__)
    if sorted(part.vocabulary_.values()) != list(range(len(terms))):
        raise emitter.refusal(part, "has a vocabulary with gaps or repetitions", "number its terms 0, 1, 2, ...")
    column = _column(emitter, part, flow)
    step = TextTerms(
        column=column,
        into=(),
        tokens=_tokens(emitter, part, column),
        terms=tuple(str(term) for term in terms),
        binary=bool(part.binary),
    )
    weighing = getattr(part, "_tfidf", None)
    return _promised(emitter, part, step if weighing is None else _weighed(step, weighing))


def hashed(emitter: Emitter, part: Any, flow: Flow) -> Block:
    """Write HashingVectorizer."""
    column = _column(emitter, part, flow)
    step = TextTerms(
        column=column,
        into=(),
        tokens=_tokens(emitter, part, column),
        buckets=int(part.n_features),
        signed=bool(part.alternate_sign),
        binary=bool(part.binary),
        norm=part.norm or "",
    )
    return _promised(emitter, part, step)


def weighed(emitter: Emitter, part: Any, flow: Flow) -> Block:
    """Write TfidfTransformer where it follows counts of a text at once."""
    sums = _graph(emitter, part).sums_of(flow) if isinstance(flow, Block) else None
    if sums is None:
        raise emitter.refusal(part, "weighs what is not the counts of a text", "put it right behind CountVectorizer")
    if sums.step.norm or sums.step.idf or sums.step.sublinear:
        raise emitter.refusal(part, "weighs what is weighed already", "set norm=None in the vectorizer before it")
    if part.sublinear_tf and sums.step.buckets and sums.step.signed:
        raise emitter.refusal(part, "takes logarithms of counts below zero", "set alternate_sign=False")
    return _promised(emitter, part, _weighed(sums.step, part))


def above(emitter: Emitter, block: Block, threshold: float) -> Block:
    """Give 1 where a number is above a threshold: of counts of a text, the terms that occur."""
    graph = emitter.graph
    sums = graph.sums_of(block) if isinstance(graph, TermGraph) else None
    if sums is not None and threshold == 0.0 and sums.step.terms:
        return _graph(emitter, "a part").terms_of(emitter.inputs.text(msgspec.structs.replace(sums.step, **_PRESENCE)))
    return Block(graph.to_double(graph.op("Greater", block.tensor, threshold)), block.width)


def is_of_terms(emitter: Emitter, block: Block) -> bool:
    """Say whether a block holds terms of texts that are no columns yet."""
    return isinstance(emitter.graph, TermGraph) and emitter.graph.is_promised(block)


def reads_text(part: Any) -> bool:
    """Say whether a fitted part wants a plain series of texts: a vectorizer, or a chain that begins with one."""
    if hasattr(part, "steps"):
        kept = [step for _, step in part.steps if step is not None and step != "passthrough"]
        return bool(kept) and reads_text(kept[0])
    if hasattr(part, "transformer_list"):
        return any(reads_text(inner) for _, inner in part.transformer_list)
    return any(cls.__name__ in RULES and cls.__name__ != "TfidfTransformer" for cls in type(part).__mro__)


def _promised(emitter: Emitter, part: Any, step: TextTerms) -> Block:
    try:
        cutter(step)
    except UsageError as error:
        raise emitter.refusal(part, f"cannot be served: {error.message}", "choose another setting") from error
    return _graph(emitter, part).terms_of(emitter.inputs.text(step))


def _graph(emitter: Emitter, part: Any) -> TermGraph:
    if not isinstance(emitter.graph, TermGraph):
        raise emitter.refusal(
            part, "stands in a model of a library that reads no texts", "use a pipeline of scikit-learn"
        )
    return emitter.graph


def _weighed(step: TextTerms, weighing: Any) -> TextTerms:
    idf = getattr(weighing, "idf_", None) if weighing.use_idf else None
    return msgspec.structs.replace(
        step,
        sublinear=bool(weighing.sublinear_tf),
        idf=b"" if idf is None else np.asarray(idf, "<f8").tobytes(),
        norm=weighing.norm or "",
    )


def _column(emitter: Emitter, part: Any, flow: Flow) -> str:
    names = flow.names if isinstance(flow, Columns) else ()
    if len(names) != 1 or not emitter.inputs.is_text(names[0]):
        found = ", ".join(names) or "numbers"
        raise emitter.refusal(part, f"reads one column of texts, but reached it: {found}", "give it that column alone")
    return names[0]


def _tokens(emitter: Emitter, part: Any, column: str) -> Tokens:
    own = [name for name in OWN_WAYS if not _is_of_library(type(part), name)]
    own += [name for name in ("tokenizer", "preprocessor") if getattr(part, name) is not None]
    own += [name for name in ("analyzer", "strip_accents") if callable(getattr(part, name))]
    if own:
        raise emitter.refusal(
            part, f"cuts texts with code of its own ({own[0]})", "use token_pattern, lowercase and strip_accents"
        )
    if part.input != "content":
        raise emitter.refusal(part, f"reads files (input={part.input!r})", "set input='content'")
    if np.dtype(part.dtype).kind == "f" and np.dtype(part.dtype) != np.float64:
        raise emitter.refusal(part, f"works in {np.dtype(part.dtype).name}", "fit it with dtype=numpy.float64")
    least, most = part.ngram_range
    longest = max((len(text) for text in emitter.inputs.sample[column] if isinstance(text, str)), default=0)
    return Tokens(
        analyzer=part.analyzer,
        pattern=part.token_pattern or "",
        shortest=int(least),
        longest=int(most),
        lower=bool(part.lowercase),
        accents=_ACCENTS[part.strip_accents or None],
        stop_words=tuple(sorted(part.get_stop_words() or ())) if part.analyzer == "word" else (),
        limit=min(max(CHARACTERS // max(int(most), 1), 2 * longest), MOST_CHARACTERS),
    )


def _is_of_library(kind: type, name: str) -> bool:
    method = getattr(kind, name, None)
    return method is None or str(method.__module__).startswith("sklearn.")


RULES: Mapping[str, FlowRule] = {
    "CountVectorizer": counted,
    "TfidfVectorizer": counted,
    "HashingVectorizer": hashed,
    "TfidfTransformer": weighed,
}
"""Class name of a part that reads texts -> how it is written."""
