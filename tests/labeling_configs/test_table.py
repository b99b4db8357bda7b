from labeling_configs.table import Row, readings_table


def test_what_differs_is_marked_and_everything_escaped() -> None:
    html = readings_table([Row("L4/5", "3", "<b>4</b>", True), Row("L5/S1", "2", "2", False)])
    assert '<tr class="dl-differs"><th>L4/5</th><td>3</td><td>&lt;b&gt;4&lt;/b&gt;</td></tr>' in html
    assert "<tr><th>L5/S1</th>" in html
