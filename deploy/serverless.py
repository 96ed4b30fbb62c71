"""A function on a serverless platform: one event in, one decision out. Needs the base install only.

The shape is AWS Lambda's behind a function URL or an API gateway; others differ in names. The model is loaded
while the platform starts the process, so the first event doesn't pay for it. Nothing is logged here: a
function that is frozen between events can't write aside. Report outcomes to a service, or decide with
`Router(log="postgresql+psycopg://…")`, which writes before it answers.
"""

from __future__ import annotations

import json
from typing import Any

from tierwise import TierwiseError, predict_tier

predict_tier("warm up")


def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
    """The decision as JSON; 400 with a message for what can't be routed."""
    try:
        task = json.loads(event.get("body") or "{}")
        decision = predict_tier(task.pop("specification", ""), **task)
    except (TierwiseError, ValueError, AttributeError) as error:
        return {"statusCode": 400, "body": json.dumps({"error": str(error)})}
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": decision.to_json()}
