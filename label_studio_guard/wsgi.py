"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from label_studio_guard.limits import limited
from label_studio_guard.request_id import named

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "label_studio_guard.settings")
application = named(limited(get_wsgi_application()))
