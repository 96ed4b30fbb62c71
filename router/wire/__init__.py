"""Between requests as the Messages API takes them and tasks: what is asked, on which tier, and back. Pure."""

from .._plain import listed
from .._prompt_tokens import prompt_tokens
from ._facts import facts_from_headers, is_auto, is_fact_header
from ._prefix import Conversations, asks_for_cache
from ._read import specification_of, task_of_request
from ._route import Routed, Routes, with_successor
from ._seen import Seen
from ._shape import Shaped, reshaped

__all__ = [
    "Conversations",
    "Routed",
    "Routes",
    "Seen",
    "Shaped",
    "asks_for_cache",
    "facts_from_headers",
    "is_auto",
    "is_fact_header",
    "listed",
    "prompt_tokens",
    "reshaped",
    "specification_of",
    "task_of_request",
    "with_successor",
]
