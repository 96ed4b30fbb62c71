"""A function on a serverless platform: one event in, one decision out. Needs the base install only.

The shape is AWS Lambda's behind a function URL or an API gateway; others differ in names. The model is loaded
while the platform starts the process, so the first event doesn't pay for it. Nothing is logged here: a
function that is frozen between events can't write aside. Report outcomes to a service, or decide with
`Router(log="postgresql+psycopg://…")`, which writes before it answers.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from tierwise import Task, TierwiseError, predict_tier

for _text in ("Tag these support tickets by product area", "Draft the launch email for the spring sale"):
    predict_tier(_text)  # what is loaded or built with the first and with the second text is there by now


def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
    """The decision as JSON; 400 with a message for what can't be routed.

    The body is a task: its specification, any facts, and `history`. Model and policy are the operator's.
    """
    try:
        task = _object(event)
        history = task.pop("history", None)
        Task.from_mapping(task)  # nothing but facts goes on
        decision = predict_tier(**task, history=history)
    except (TierwiseError, ValueError) as error:
        return _answer(400, json.dumps({"error": str(error)}))
    return _answer(200, decision.to_json())


def _object(event: dict[str, Any]) -> dict[str, Any]:
    body = event.get("body") or "{}"
    if not isinstance(body, str):  # as one may write a test event
        raise ValueError("The event's body is JSON as a text.")
    try:
        found = json.loads(base64.b64decode(body) if event.get("isBase64Encoded") else body)
    except RecursionError:
        found = None
    if not isinstance(found, dict):
        raise ValueError('Send a JSON object with a "specification".')
    return found


def _answer(status: int, body: str) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": body}
