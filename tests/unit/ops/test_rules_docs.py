from ops.rules_docs import FILE, document


def test_the_page_is_what_the_table_says_today() -> None:
    assert FILE.read_text(encoding="utf-8") == document(), "run `python -m ops.rules_docs`"
