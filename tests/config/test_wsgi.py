"""The WSGI application."""

import subprocess
import sys

from django.conf import settings


class TestApplication:
    def test_has_read_all_addresses_before_the_first_request(self) -> None:
        said = "import config.wsgi, sys; print('config.api.urls' in sys.modules)"

        answer = subprocess.run(
            [sys.executable, "-c", said],
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            check=True,
        )

        assert answer.stdout.strip() == "True"
