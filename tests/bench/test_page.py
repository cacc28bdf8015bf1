from pathlib import Path

import pytest

from bench.page import begin, put, table


def test_what_stands_between_a_command_s_marks_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# A\n\n{begin('one')}\nold\n<!-- end -->\n\n{begin('two')}\nkept\n<!-- end -->\n")
    for _ in range(2):
        put(page, "one", table(("", "ms"), [("a", "1")]))
    assert page.read_text() == (
        f"# A\n\n{begin('one')}\n\n|  | ms |\n| --- | --- |\n| a | 1 |\n\n<!-- end -->\n\n"
        f"{begin('two')}\nkept\n<!-- end -->\n"
    )


def test_a_page_without_the_marks_stays_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n<!-- end -->\n")
    with pytest.raises(ValueError, match="no place for what one writes"):
        put(page, "one", ["new"])
    assert page.read_text() == "# A\n<!-- end -->\n"
