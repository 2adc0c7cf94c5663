"""Prefect: order, retries, schedules, pools, limits, artifacts; and the command line."""

import os
import sys

# Before prefect, huggingface_hub or gradio is imported anywhere: no call out that nobody asked for.
for _name, _value in {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "UNSLOTH_DISABLE_STATISTICS": "1",
}.items():
    os.environ.setdefault(_name, _value)
if not sys.stderr.isatty():
    # A progress bar in a log file is a thousand lines.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
