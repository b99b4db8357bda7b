"""The Label Studio ML backend: proposals, training and evaluation. The only package that imports torch."""

import os
import sys

# Ultralytics would install packages on its own and ask its servers for news; it reads these when imported.
os.environ.setdefault("YOLO_AUTOINSTALL", "false")
os.environ.setdefault("YOLO_OFFLINE", "true")
# OpenVINO would report each conversion to its maker, from processes that it forks off this one. With threads
# about, such a fork can stand still for ever, and the start with it. Without the package it reports nothing.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
