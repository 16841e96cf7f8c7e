"""Every setting, top to bottom; values come from the environment (or a `.env` file beside manage.py)."""

import os
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.utils.translation import gettext_lazy as _

from config.compression import tag_weakly
from config.theme import UNFOLD  # noqa: F401

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = BASE_DIR / ".data"
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

# ---- who we are -------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=True)
SECRET_KEY = env.str("SECRET_KEY", default="demo-only-" + "x" * 54 if DEBUG else "")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
SITE_NAME = "Jifen"

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "config.apps.ConfigConfig",
    "members",
    "loyalty",
    "rewards",
    "campaigns",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "rest_framework_api_key",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "import_export",
    "pgtrigger",
    "django_celery_beat",
]

MIDDLEWARE = [
    "config.api.requests.request_ids",
    "django.middleware.security.SecurityMiddleware",
    "config.compression.CompressionMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.context.ProgramMiddleware",
    "config.security.RelaxedPolicyMiddleware",
    "config.error_pages.NotFoundMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "config.context.portal",
            ],
        },
    },
]

# ---- the one database -------------------------------------------------------------------------
# A lock that cannot be had in time becomes a clean 503. Statements are short: compiling them (jit) costs more than it
# saves.
DATABASE_LIMITS = "-c lock_timeout=5s -c idle_in_transaction_session_timeout=600s -c jit=off"
if "DATABASE_URL" in os.environ:
    DATABASES: dict[str, Any] = {"default": env.db("DATABASE_URL")}
else:
    from config import embedded_postgres

    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "jifen",
            "USER": "postgres",
            "HOST": str(embedded_postgres.socket_directory(DATA_DIR / "postgres")),
        }
    }
# Over how many connections the nightly expiry works at once: each keeps one process of the database busy.
EXPIRY_CONNECTIONS = env.int("EXPIRY_CONNECTIONS", default=2)
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=600)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"].setdefault("OPTIONS", {})["options"] = DATABASE_LIMITS
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.str("REDIS_URL"),
    }
    if "REDIS_URL" in os.environ
    else {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": DATA_DIR / "cache",
    }
}

# ---- language and time ------------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True
USE_THOUSAND_SEPARATOR = False

# ---- people -----------------------------------------------------------------------------------
AUTH_USER_MODEL = "members.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

# ---- what a member's order earns, and what else hangs on an event -------------------------------
EARNING_RULES = [
    "loyalty.earning.base_points",
    "loyalty.earning.tier_multiplier",
    "campaigns.bonuses.campaign_bonuses",
]
# Reads for a batch of orders what the rules above the ledger need, and writes what hangs on it.
PROMOTIONS = "campaigns.bonuses.Bonuses"
# Statements that hold papers above the ledger against its entries, for `verify_ledger`.
BOOK_CHECKS = ["campaigns.papers.CHECKS", "rewards.papers.CHECKS"]
# Told which orders were stored, batch by batch.
ORDERS_PLACED = ["rewards.voucher_orders.use_coupons"]
# Asked which vouchers orders name, what became of them and why one was not used.
ORDER_VOUCHERS = ["rewards.voucher_orders.told"]
# Told when an order was cancelled or refunded, in whole or in part.
# Redemptions are locked before stock: vouchers come back before pieces do.
ORDER_EFFECTS = ["rewards.voucher_returns.give_back", "campaigns.undoing.order_undone"]
# Asked before points are donated to a project (its code, the moment): who knows it tells its name, or refuses.
DONATION_PROJECTS = ["rewards.projects.accepting"]
# Where the members app learns the program's time zone.
PROGRAM = "loyalty.programs.current"
# Where it learns which tiers members hold now: a tier may fall by time alone, before anybody writes it down.
TIERS_NOW = "loyalty.tiers.show"
MEMBER_EVENTS: list[str] = [
    "loyalty.wallets.open_wallets",
    "rewards.membership.follow",
    "rewards.wishes.follow",
    "campaigns.membership.follow",
    "campaigns.member_events.follow",
    "members.messages.follow",
]
# Lists of the kinds of messages that members get, with their words.
MESSAGE_TEMPLATES = ["loyalty.message_words.TEMPLATES", "rewards.message_words.TEMPLATES"]

# The kinds of background jobs that people ask for, each a function of (parameters, report, at) with its result; and
# what the console calls them.
JOBS: dict[str, str] = {
    "segments": "campaigns.segmenting.refresh_by_job",
    "handout": "campaigns.handouts.give",
    "replay": "campaigns.replaying.by_job",
    "voucher_batch": "rewards.voucher_batches.give",
    "voucher_batch_void": "rewards.voucher_batches.void",
}
JOB_TITLES: dict[str, Any] = {
    "segments": _("Refresh of segments"),
    "handout": _("Points for a segment"),
    "replay": _("Replay of a campaign"),
    "voucher_batch": _("Vouchers for a segment"),
    "voucher_batch_void": _("Voiding of a voucher batch"),
}
# What acts of a type are called in the members' history.
EVENT_TITLES = "campaigns.act_words.title"
# Where the members app learns who is in a segment.
SEGMENTS = "campaigns.segmenting.within"
SEGMENT_NAMES = "campaigns.segment_queries.names"

# ---- API --------------------------------------------------------------------------------------
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["members.api.access.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["members.api.access.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.api.bodies.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.api.bodies.JSONAlways",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "config.api.schema.Schema",
    "EXCEPTION_HANDLER": "config.api.problems.answer",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": True,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Jifen API",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.api.schema.introduce",
    ],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "AdjustmentStateEnum": "loyalty.models.Adjustment.State",
        "CampaignStateEnum": "campaigns.models.Campaign.State",
        "DeliveryEnum": "rewards.models.Reward.Delivery",
        "HoldStateEnum": "loyalty.models.Hold.State",
        "JobStateEnum": "members.models.Job.State",
        "MemberStatusEnum": "members.models.Member.Status",
        "OfferKindEnum": "rewards.models.Offer.Kind",
        "OrderStatusEnum": "loyalty.models.Order.Status",
        "OrderStepEnum": "loyalty.api.order_steps.STATUSES",
        "ReportedStatusEnum": "loyalty.api.order_inputs.STATUSES",
        "PrizeKindEnum": "rewards.models.DrawPrize.Kind",
        "RedemptionStateEnum": "rewards.models.Redemption.State",
        "RewardKindEnum": "rewards.models.Reward.Kind",
        "VoucherStateEnum": "rewards.api.answers.STATES",
    },
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": False, "validatorUrl": None},
}

# ---- background work --------------------------------------------------------------------------
if "CELERY_BROKER_URL" in os.environ:
    CELERY_BROKER_URL = env.str("CELERY_BROKER_URL")
else:
    CELERY_BROKER_URL = "filesystem://localhost//"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(DATA_DIR / "broker" / "queue"),
        "data_folder_out": str(DATA_DIR / "broker" / "queue"),
        "control_folder": str(DATA_DIR / "broker" / "control"),
        "store_processed": False,
    }
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE = {
    "expire-points": {
        "task": "loyalty.tasks.expire_points",
        "schedule": crontab(minute=5, hour=0),
    },
    # Two at once settle half as much again in the same time: each leaves alone what the other has locked.
    "expire-points-beside": {
        "task": "loyalty.tasks.expire_points",
        "schedule": crontab(minute=5, hour=0),
    },
    # Almost always there is nothing to do: expiry is switched on once.
    "date-lots": {
        "task": "loyalty.tasks.date_lots",
        "schedule": crontab(),
    },
    "review-tiers": {
        "task": "loyalty.tasks.review_tiers",
        "schedule": crontab(minute="*/10"),
    },
    # Every hour: a day that somebody was still writing to is sealed by the next run.
    "seal-days": {
        "task": "loyalty.tasks.seal_days",
        "schedule": crontab(minute=20, hour="*"),
    },
    "verify-books": {
        "task": "loyalty.tasks.verify_books",
        "schedule": crontab(minute=30, hour=3),
    },
    # Every hour: whatever the program's time zone, its day begins, and a run that was missed is soon made up for.
    "keep-anniversaries": {
        "task": "campaigns.tasks.keep_anniversaries",
        "schedule": crontab(minute=2, hour="*"),
    },
    "give-benefits": {
        "task": "campaigns.tasks.give_benefits",
        "schedule": crontab(minute=4, hour="*"),
    },
    # Every hour: by day people can act on it, and a run that was missed is made up for by the next.
    "tell-wishes": {
        "task": "rewards.tasks.tell_wishes",
        "schedule": crontab(minute=35, hour="*"),
    },
    "refresh-segments": {
        "task": "campaigns.tasks.refresh_segments",
        "schedule": crontab(minute=40, hour=1),
    },
    "keep-draw-rounds": {
        "task": "rewards.tasks.keep_draw_rounds",
        "schedule": crontab(),
    },
    "end-drafts": {
        "task": "rewards.tasks.end_drafts",
        "schedule": crontab(),
    },
    "revive-jobs": {
        "task": "members.tasks.revive_jobs",
        "schedule": crontab(),
    },
    "forget-api-answers": {
        "task": "members.tasks.forget_api_answers",
        "schedule": crontab(minute=15, hour="*"),
    },
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

# ---- files ------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_ADD_HEADERS_FUNCTION = tag_weakly
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # `collectstatic` compresses once what would be compressed anew for each visitor.
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

# ---- sign-in with allauth ---------------------------------------------------------------------
ACCOUNT_ADAPTER = "members.portal.adapter.PhoneAdapter"
ACCOUNT_LOGIN_METHODS = {"phone", "username"}
ACCOUNT_SIGNUP_FIELDS = ["phone*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 300
ACCOUNT_LOGIN_BY_CODE_MAX_ATTEMPTS = 5
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_FORMS = {
    "request_login_code": "members.portal.forms.PhoneForm",
    "confirm_login_code": "members.portal.forms.CodeForm",
}
# Text messages cost money and annoy: so many per number and per address.
ACCOUNT_RATE_LIMITS = {
    "request_login_code": env.str(
        "SIGN_IN_CODE_LIMITS", default="3/m/key,10/h/key,30/d/key,60/h/ip"
    ),
    # Whoever gives points away looks members up: nobody shall try out phone numbers.
    "find_member": env.str("FIND_MEMBER_LIMITS", default="20/m/user,100/d/user"),
}
ALLAUTH_USER_CODE_FORMAT = {"numeric": True, "dashed": False, "length": 6}
# A function (phone, code) that sends the text; the demo writes it to the console log.
SMS_GATEWAY = env.str("SMS_GATEWAY", default="")

# ---- security ---------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_SECURE = not DEBUG
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    },
}
# The console's theme evaluates expressions (Alpine) and writes styles; config.console relaxes it there.
CONSOLE_CONTENT_SECURITY_POLICY = {
    "script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE],
    "style-src": [SELF, UNSAFE_INLINE],
}

# ---- logs -------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {"without_codes": {"()": "config.logs.WithoutCodes"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "plain",
            "filters": ["without_codes"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    # Without Django's own handler, which would print every line a second time.
    "loggers": {"django": {"handlers": [], "level": "INFO"}},
}
