"""The product's settings, quick and quiet for tests."""

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
CONN_MAX_AGE = 0
# A commit need not reach the disk: nobody pulls the plug on these. What must outlast that has a shop of its own (prove).
DATABASES["default"]["OPTIONS"]["options"] += " -c synchronous_commit=off"  # noqa: F405
# A test's data are seen by its own connection alone.
EXPIRY_CONNECTIONS = 1
# Otherwise every test client looks through all static files before its first request.
WHITENOISE_AUTOREFRESH = True
