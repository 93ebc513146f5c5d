"""What routes and entrypoints need of HTTP, in one place.

A route says who may use it (`allow`, `anonymous`), takes `Read` or `Write`, and bodies derived from RequestBody and
ResponseBody; `create_app` makes the application. Errors are raised as Rejections of chassis.ports, or as HttpProblem
where only HTTP knows the reason.
"""

from chassis.access import (
    Access,
    Read,
    ReadRequest,
    RouteAccess,
    Write,
    access_of,
    allow,
    anonymous,
    role_matrix,
)
from chassis.application import create_app
from chassis.front import DEEPEST_JSON, LARGEST_BODY
from chassis.idempotency import WriteRequest, render
from chassis.pages import (
    LARGEST_PAGE,
    USUAL_PAGE,
    Cursor,
    Limit,
    Page,
    RequestBody,
    ResponseBody,
    decode_cursor,
    encode_cursor,
    page,
)
from chassis.problems import (
    PROBLEM_MEDIA_TYPE,
    PROBLEM_TYPES,
    FieldError,
    HttpProblem,
    ProblemBody,
    problem_response,
    problems,
)

__all__ = [
    "DEEPEST_JSON",
    "LARGEST_BODY",
    "LARGEST_PAGE",
    "PROBLEM_MEDIA_TYPE",
    "PROBLEM_TYPES",
    "USUAL_PAGE",
    "Access",
    "Cursor",
    "FieldError",
    "HttpProblem",
    "Limit",
    "Page",
    "ProblemBody",
    "Read",
    "ReadRequest",
    "RequestBody",
    "ResponseBody",
    "RouteAccess",
    "Write",
    "WriteRequest",
    "access_of",
    "allow",
    "anonymous",
    "create_app",
    "decode_cursor",
    "encode_cursor",
    "page",
    "problem_response",
    "problems",
    "render",
    "role_matrix",
]
