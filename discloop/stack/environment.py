"""What each process of the stack is told. A process gets the secrets it needs and no others."""

from __future__ import annotations

import os

from discloop.credentials import Secrets
from discloop.home import Home
from discloop.stack.chosen import chosen
from discloop.stack.ports import Ports
from discloop.stack.rounds import DEFAULT_ROUNDS, Rounds

Environment = dict[str, str]

PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
)
"""Of the caller's environment, what a process may need to run at all. Nothing else reaches it."""


LEAN = {"MALLOC_MMAP_THRESHOLD_": str(2**20)}
"""Large blocks go back to the system at once. Otherwise the C library keeps ever larger ones: verdicts on
rounds left the backend 50 MB larger. Not for training, which it makes half as slow again."""


def common() -> Environment:
    """The part that every process gets."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        # Of the C library's default, eight to a core, each thread of a server keeps what it once used.
        "MALLOC_ARENA_MAX": "2",
    }


def label_studio(home: Home, ports: Ports, secrets: Secrets) -> Environment:
    """For Label Studio with the guard."""
    return (
        common()
        | LEAN
        | {
            "DJANGO_SETTINGS_MODULE": "label_studio_guard.settings",
            "DISCLOOP_GUARD_SECRET": secrets.guard_secret,
            "DISCLOOP_ASSERTION_KEY": secrets.assertion_key,
            "DISCLOOP_SERVICE_TOKEN": secrets.service_token,
            "DISCLOOP_STORE": str(home.store),
            "DISCLOOP_KEYS": str(home.keys),
            "DISCLOOP_BACKEND_CALLBACK": f"{ports.backend_url}/auth/callback",
            "LABEL_STUDIO_BASE_DATA_DIR": str(home.label_studio),
            "LABEL_STUDIO_HOST": ports.label_studio_url,
            "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
            "SECRET_KEY": secrets.django_secret_key,
            "DJANGO_DB": "sqlite",
            "COLLECT_ANALYTICS": "false",
            "LATEST_VERSION_CHECK": "false",
            "SENTRY_DSN": "",
            "FRONTEND_SENTRY_DSN": "",
            # The ML backend is on the loopback address; the cloud's metadata address stays banned.
            "USE_DEFAULT_BANNED_SUBNETS": "false",
            "USER_ADDITIONAL_BANNED_SUBNETS": "169.254.0.0/16",
            **{name: value for name, value in chosen(home).items() if name == "DISCLOOP_LANGUAGE"},
        }
    )


def backend(home: Home, ports: Ports, secrets: Secrets, rounds: Rounds = DEFAULT_ROUNDS) -> Environment:
    """For the control plane. Options of the command line go before what was chosen for the home."""
    return (
        common()
        | LEAN
        | chosen(home)
        | rounds.environment()
        | {
            "DISCLOOP_DATABASE_URL": f"sqlite:///{home.backend / 'backend.sqlite3'}",
            "DISCLOOP_GUARD_SECRET": secrets.guard_secret,
            "DISCLOOP_ASSERTION_KEY": secrets.assertion_key,
            "DISCLOOP_SERVICE_TOKEN": secrets.service_token,
            "DISCLOOP_API_TOKEN": secrets.api_token,
            "DISCLOOP_ML_PASSWORD": secrets.ml_password,
            "DISCLOOP_LABEL_STUDIO_URL": ports.label_studio_url,
            "DISCLOOP_LABEL_STUDIO_PUBLIC_URL": ports.label_studio_url,
            "DISCLOOP_PUBLIC_URL": ports.backend_url,
            "DISCLOOP_ML_URL": ports.ml_url,
            "DISCLOOP_STORE": str(home.store),
            "DISCLOOP_KEYS": str(home.keys),
            "DISCLOOP_WEIGHTS": str(home.weights),
            "DISCLOOP_ROUNDS": str(home.rounds),
        }
    )


def ml_backend(home: Home, _ports: Ports, secrets: Secrets) -> Environment:
    """For the ML backend. Its libraries keep their settings in the home, not in the user's."""
    cache = home.root / "cache"
    return (
        common()
        | chosen(home)
        | {
            "DISCLOOP_ML_PASSWORD": secrets.ml_password,
            "DISCLOOP_STORE": str(home.store),
            "DISCLOOP_KEYS": str(home.keys),
            "DISCLOOP_WEIGHTS": str(home.weights),
            "YOLO_CONFIG_DIR": str(cache / "ultralytics"),
            "YOLO_OFFLINE": "true",
            "MPLCONFIGDIR": str(cache / "matplotlib"),
        }
    )
