"""A Celery application whose broker is a folder."""

from __future__ import annotations

import celery  # type: ignore[import-untyped]
import parent

folder = parent.REPORTS / "broker"
folder.mkdir(exist_ok=True)
app = celery.Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": str(folder),
    "data_folder_out": str(folder),
    "control_folder": str(folder),
    "polling_interval": 0.05,
}


@app.task  # type: ignore[untyped-decorator]
def child() -> None:
    parent.child()
