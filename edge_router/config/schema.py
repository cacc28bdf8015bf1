"""The JSON Schema of the configuration, for editors that complete and check YAML as it is written.

`python -m edge_router.config.schema` writes it into `docs/`. It says what each key may hold; what goes beyond one key
(names that must exist, rules that must compile) only `edge-router check` can say.
"""

import json
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from edge_router.config.models import Config

PLACE: Final = Path(__file__).parents[2] / "docs" / "edge-router.schema.json"


class _AsWritten(GenerateJsonSchema):
    """A key may be left out, but not stand without a value: so nothing may be null, and no default is."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """No titles: they would only say the key once more."""
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Leave the null out."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Leave a default out that is null."""
        made = super().default_schema(schema)
        if made.get("default", ...) is None:
            del made["default"]
        return made

    def encode_default(self, dft: Any) -> Any:  # pydantic's own signature
        """Write the default of a map as the file would."""
        if isinstance(dft, BaseModel):
            return dft.model_dump(mode="json", exclude_defaults=True)
        return super().encode_default(dft)


def schema() -> dict[str, Any]:
    """Give the schema as JSON types (`Any`: that is what JSON is)."""
    made = Config.model_json_schema(schema_generator=_AsWritten)
    return {"$schema": GenerateJsonSchema.schema_dialect, **made}


def text() -> str:
    """Give the schema as the file has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PLACE.write_text(text(), encoding="utf-8")
    print(PLACE)
