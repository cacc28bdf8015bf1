"""Translation rules as the configuration writes them, and the places that name them."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field, PlainValidator

from edge_router.config.faults import Kind
from edge_router.config.values import Section, TranslationName, fault, not_empty, text_of
from edge_router.dialplan.translation import TranslationError, TranslationRule

_EXAMPLE: Final = r"a rule in single quotes, such as '/^\([2-9].........\)$/ /+1\1/'"


def _rule(value: object) -> TranslationRule:
    try:
        return TranslationRule(text_of(value, _EXAMPLE))
    except TranslationError as error:
        raise fault(Kind.NOT_BUILT if error.not_built else Kind.VALUE, str(error)) from None


Rules = Annotated[
    tuple[Annotated[TranslationRule, PlainValidator(_rule, json_schema_input_type=str)], ...], AfterValidator(not_empty)
]
"""The rules of one set: the first that holds for a number is applied."""


class Translate(Section):
    """Which set of translation rules each number goes through."""

    called: TranslationName | None = Field(default=None, description="Set of translation_rules for the called number.")
    calling: TranslationName | None = Field(
        default=None, description="Set of translation_rules for calling numbers: in From and P-Asserted-Identity."
    )


class TrunkTranslate(Section):
    """What becomes of numbers on a trunk, for each way."""

    inbound: Translate = Field(
        default=Translate(), description="Of the calls that it sends here, before anything is matched."
    )
    outbound: Translate = Field(default=Translate(), description="Of the calls that are sent to it, last of all.")
