"""The Label Studio ML backend: proposals, training and evaluation. The only package that imports torch."""

import os

# Ultralytics would install packages on its own and ask its servers for news; it reads these when imported.
os.environ.setdefault("YOLO_AUTOINSTALL", "false")
os.environ.setdefault("YOLO_OFFLINE", "true")
