"""The OpenAPI document and the page to read it."""

from functools import cache
from typing import Any

from django.utils.translation import get_language
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation


@cache
def _document(_language: str | None) -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return found


class OnceGenerator(SchemaGenerator):
    """Makes the document once per language: that takes a second, and anybody may ask."""

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - the library's signature
        return _document(get_language())


class SchemaView(SpectacularAPIView):
    """The document: JSON (which is YAML too), or in the layout of YAML for who asks for it."""

    renderer_classes = [
        OpenApiJsonRenderer2,
        OpenApiJsonRenderer,
        OpenApiYamlRenderer,
        OpenApiYamlRenderer2,
    ]
    content_negotiation_class = DefaultContentNegotiation
    generator_class = OnceGenerator


class DocumentationView(SpectacularSwaggerSplitView):
    """The page to read it: every asset is served from here, no script in the page itself."""

    content_negotiation_class = DefaultContentNegotiation
    template_name = "config/api_docs.html"
    url_name = "api_schema"
