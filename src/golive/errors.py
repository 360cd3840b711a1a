"""Every error golive raises on purpose: one sentence that names the thing, what was found, and the remedy.

::

    GoliveError                     exit 1, HTTP 500   a bug: please report it
    ├── UsageError                  exit 2, HTTP 400   the call cannot be carried out as written
    │   ├── ProjectError            golive.yaml has mistakes, each with file and line
    │   ├── DataError               a table cannot be read or trained on
    │   ├── PolicyError             a gate rule cannot be read
    │   ├── UnexplainableError      HTTP 501   this model, or this server, explains nothing
    │   └── RequestError            a prediction request is malformed
    │       ├── InvalidRowError     HTTP 422   well-formed, but a value does not fit the signature
    │       ├── MediaTypeError      HTTP 415   the body is of a kind that the route does not read
    │       └── TooLargeError       HTTP 413   the body is over the limit
    ├── GateRefusedError            exit 3, HTTP 409   the verdict is not "pass"
    ├── VerificationError           exit 4, HTTP 500   something is not what it claims to be
    │   ├── DigestMismatchError     stored bytes do not match their name
    │   ├── ParityError             the converted model does not give the original's answers
    │   └── AuditError              the audit log was altered
    ├── NotFoundError               exit 5, HTTP 404   no such model, bundle, release or file
    ├── NotConvertibleError         exit 2, HTTP 400   a part of the model has no exact form in the graph
    ├── UnavailableError            exit 6, HTTP 503   cannot be done now; may work later or elsewhere
    │   ├── MissingExtraError       an optional library is not installed
    │   └── DeadlineError           HTTP 503   the answer would come after the caller's deadline
    └── DeniedError                 exit 2, HTTP 401   no valid API key
"""

from typing import ClassVar


class GoliveError(Exception):
    """The root of the family: a message for people, a stable code for programs."""

    code: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 1
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, field: str = "", request_id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        """Where in the request or file the trouble is, as a JSON path (``$.instances[3].area``)."""
        self.request_id = request_id
        """What a server calls the request that failed, where one was asked; its log has more under that name."""


class UsageError(GoliveError):
    """The call cannot be carried out as written."""

    code = "bad_usage"
    exit_code = 2
    status = 400


class ProjectError(UsageError):
    """golive.yaml has mistakes; the message holds one line for each."""

    code = "bad_project"


class DataError(UsageError):
    """A table cannot be read or cannot be trained on."""

    code = "bad_data"


class PolicyError(UsageError):
    """A gate rule cannot be read."""

    code = "bad_policy"


class UnexplainableError(UsageError):
    """This model, or this server, explains nothing; the message says what would change that."""

    code = "not_explainable"
    status = 501


class RequestError(UsageError):
    """A prediction request is malformed."""

    code = "bad_request"


class InvalidRowError(RequestError):
    """A request is well-formed, but a value does not fit the signature."""

    code = "invalid_row"
    status = 422


class MediaTypeError(RequestError):
    """A request body is of a kind that the route does not read."""

    code = "unsupported_media_type"
    status = 415


class TooLargeError(RequestError):
    """A request body is over the limit."""

    code = "too_large"
    status = 413


class GateRefusedError(GoliveError):
    """The verdict on a bundle is not "pass"."""

    code = "gate_refused"
    exit_code = 3
    status = 409


class VerificationError(GoliveError):
    """Something is not what it claims to be."""

    code = "not_verified"
    exit_code = 4


class DigestMismatchError(VerificationError):
    """Stored bytes do not match the digest they are filed under."""

    code = "digest_mismatch"


class ParityError(VerificationError):
    """The converted model does not give the answers of the original."""

    code = "parity_failed"


class AuditError(VerificationError):
    """The audit log was altered."""

    code = "audit_broken"


class NotFoundError(GoliveError):
    """There is no such model, bundle, release or file."""

    code = "not_found"
    exit_code = 5
    status = 404


class NotConvertibleError(GoliveError):
    """A part of the model has no exact form in the graph; the message names the part."""

    code = "not_convertible"
    exit_code = 2
    status = 400


class UnavailableError(GoliveError):
    """It cannot be done now; it may work later or on another machine."""

    code = "unavailable"
    exit_code = 6
    status = 503


class MissingExtraError(UnavailableError):
    """An optional library is not installed; the message says which extra brings it."""

    code = "missing_extra"


class DeadlineError(UnavailableError):
    """The answer would come after the deadline that the caller set."""

    code = "deadline_exceeded"


class DeniedError(GoliveError):
    """The caller showed no valid API key."""

    code = "denied"
    exit_code = 2
    status = 401
