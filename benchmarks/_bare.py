"""A bare FastAPI endpoint that takes the same body and does nothing: what /v1/predict is measured against."""

from __future__ import annotations

import socket

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Task(BaseModel):
    """As much of a task as the load sends."""

    specification: str
    task_type: str | None = None


@app.post("/bare")
async def bare(task: Task) -> dict[str, str]:
    """Read and checked, and answered."""
    return {"tier": "sonnet"}


if __name__ == "__main__":
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(f"serves on http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])
