"""Django settings of a guarded Label Studio: its own, then what the guard closes.

Label Studio reads its environment when its settings are imported, so what must hold whatever the
environment says is set there first.
"""

# ruff: noqa: E402, F403, F405
# mypy: disable-error-code="has-type,name-defined"
from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import label_studio


def _force(name: str, value: str) -> None:
    """Label Studio takes the first of three spellings; leave it only ours."""
    for prefix in ("LABEL_STUDIO_", "HEARTEX_"):
        os.environ.pop(prefix + name, None)
    os.environ[name] = value


# It asks nobody and tells nobody.
_force("LATEST_VERSION_CHECK", "false")
_force("COLLECT_ANALYTICS", "false")
_force("SENTRY_DSN", "")
_force("FRONTEND_SENTRY_DSN", "")
_force("FEATURE_FLAGS_OFFLINE", "true")
_force("GOOGLE_LOGGING_ENABLED", "false")
_force("CORS_ALLOW_ALL_ORIGINS", "false")
_force("LOCAL_FILES_SERVING_ENABLED", "false")
_force("DEBUG", "false")
_force("DISABLE_SIGNUP_WITHOUT_LINK", "true")
_force("DJANGO_DB", os.environ.get("LABEL_STUDIO_DJANGO_DB", os.environ.get("DJANGO_DB", "sqlite")))
# The ML backend is on this machine or in this network; only the service account can attach one.
_force("USE_DEFAULT_BANNED_SUBNETS", "false")
_force("USER_ADDITIONAL_BANNED_SUBNETS", "169.254.0.0/16")
_force("ML_BLOCK_LOCAL_IP", "false")
os.environ.setdefault("LOG_LEVEL", "WARNING")

_label_studio_folder = str(Path(label_studio.__file__).parent)
if _label_studio_folder not in sys.path:
    sys.path.insert(0, _label_studio_folder)

from core.settings.base import *
from core.settings.label_studio import *

from label_studio_guard.limits import LARGEST_BODY_BYTES

INSTALLED_APPS = [*INSTALLED_APPS, "label_studio_guard.apps.GuardConfig"]
ROOT_URLCONF = "label_studio_guard.urls"
WSGI_APPLICATION = "label_studio_guard.wsgi.application"

# Written out whole, so that nothing Label Studio adds comes in unread. Left out of its own list, and why:
# CorsMiddleware (nobody else's page), XApiKeySupport and JWTAuthentication (credentials nobody has),
# SetSessionUID, DummyGetSession, InactivitySessionTimeout (each writes the session on every request),
# ContextLog (telemetry), DatabaseIsLockedRetry (replays a whole request), UpdateLastActivity.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "core.middleware.DisableCSRF",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "core.middleware.CommonMiddlewareAppendSlashWithoutRedirect",
    "django_user_agents.middleware.UserAgentMiddleware",
    "core.current_request.ThreadLocalMiddleware",
    "label_studio_guard.middleware.GuardMiddleware",
    "core.middleware.HumanSignalCspMiddleware",
]

# Sessions are rows, so that signing out and a new password end them; 12 hours whatever is done.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_NAME = "discloop_label_studio"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_SAVE_EVERY_REQUEST = False

_public = urlsplit(HOSTNAME)
_more_hosts = [host for host in os.environ.get("ALLOWED_HOSTS", "").split(",") if host]
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *_more_hosts]
if _public.hostname:
    ALLOWED_HOSTS.append(_public.hostname)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _public.scheme == "https"
USE_X_FORWARDED_HOST = False

CORS_ALLOW_ALL_ORIGINS = False
CORS_ALLOWED_ORIGINS: list[str] = []
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# The browser loads nothing from, and sends nothing to, another host.
CSP_DEFAULT_SRC = ("'self'",)
CSP_STYLE_SRC = ("'self'", "'unsafe-inline'")
CSP_SCRIPT_SRC = ("'self'", "'unsafe-inline'", "'unsafe-eval'", "blob:")
CSP_WORKER_SRC = ("'self'", "blob:")
CSP_IMG_SRC = ("'self'", "data:", "blob:")
CSP_FONT_SRC = ("'self'", "data:")
CSP_CONNECT_SRC = ("'self'", "blob:", "data:")
CSP_FRAME_ANCESTORS = ("'none'",)
CSP_REPORT_ONLY = False
CSP_REPORT_URI = None
CSP_INCLUDE_NONCE_IN: list[str] = []

# Each line says which request it belongs to, by the name that the backend's log has for it.
LOGGING["filters"] = {"request_id": {"()": "label_studio_guard.request_id.Named"}}
LOGGING["handlers"]["console"]["filters"] = ["request_id"]
for _formatter in LOGGING["formatters"].values():
    _formatter["format"] = _formatter["format"].replace("%(message)s", "[%(request_id)s] %(message)s")

_database = DATABASES["default"]
if "sqlite" in _database["ENGINE"]:
    # Writers queue instead of failing half-way; readers never wait; a commit is on disk.
    _database["OPTIONS"] = {
        "timeout": 30,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
_database["CONN_MAX_AGE"] = 60
_database["CONN_HEALTH_CHECKS"] = True

LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN = True
USER_LOGIN_FORM = "label_studio_guard.sign_in.LoginForm"
# In place: the REST framework holds this dictionary since Label Studio's own settings were imported.
REST_FRAMEWORK["EXCEPTION_HANDLER"] = "label_studio_guard.rest.handle_exception"
LOGIN_URL = "/user/login/"
LOGOUT_REDIRECT_URL = "/user/login/"
DATA_UPLOAD_MAX_MEMORY_SIZE = LARGEST_BODY_BYTES
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
